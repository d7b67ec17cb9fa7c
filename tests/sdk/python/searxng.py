"""A server that speaks SearXNG's JSON API, for the tests of searching the web in both dialects."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

KEEPER = "The lighthouse keeper of Utsira paints the lantern violet — every spring."

PAGES = [
    {
        "url": "https://utsira.example/lighthouse",
        "title": "Utsira [lighthouse]",
        "content": KEEPER,
        "publishedDate": "2026-03-01",
        "engine": "stand-in",
    },
    {"url": "https://lofoten.example/ferry", "title": "The ferry", "content": "It carries crates."},
    {"url": "https://www.utsira.example/birds", "title": "Birds", "content": "There are many."},
]


class Searxng:
    """The server, on a free loopback port, for as long as the tests run. It remembers what it was asked."""

    asked: list[dict] = []

    def __init__(self) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def variables(self) -> dict[str, str]:
        """What makes the service search here."""
        return {
            "CUPOLA_TOOLS__WEB_SEARCH__PROVIDER": "searxng",
            "CUPOLA_TOOLS__WEB_SEARCH__ENDPOINT": f"http://127.0.0.1:{self._server.server_port}",
        }


class Handler(BaseHTTPRequestHandler):
    """One request. As the real one, it gives JSON only where that is asked for."""

    def do_GET(self) -> None:
        address = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(address.query).items()}
        Searxng.asked.append(query)
        if address.path != "/search" or query.get("format") != "json":
            self._send(403, {})
        elif "nothing" in query["q"]:
            self._send(200, {"query": query["q"], "results": []})
        elif "overloaded" in query["q"]:
            self._send(429, {})
        else:
            self._send(200, {"query": query["q"], "number_of_results": 3, "results": PAGES})

    def _send(self, status: int, answer: dict) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_) -> None:
        pass
