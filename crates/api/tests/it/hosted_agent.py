# The program that tests host. It needs nothing but Python, and does whatever it is told: POST /invocations runs
# the Python code in the body and answers with what that has put into `out`.
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOME = os.environ["HOME"]


class Program(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, headers=()):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        return self.rfile.read(int(self.headers.get("content-length") or 0)) or self.pieces()

    def pieces(self):
        body = b""
        while self.headers.get("transfer-encoding") == "chunked":
            size = int(self.rfile.readline(), 16)
            body += self.rfile.read(size)
            self.rfile.readline()
            if size == 0:
                break
        return body

    def seen(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        return {"method": self.command, "path": self.path, "headers": headers, "body": body}

    def do_GET(self):
        if self.path == "/readiness":
            return self.answer(200, {"status": "healthy"})
        if self.path.startswith("/invocations/stream"):
            return self.stream()
        self.answer(200, self.seen(None))

    def stream(self):
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        for event in ("first", "second"):
            piece = ("data: %s\n\n" % event).encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            # The second one waits until somebody has put a file into the home.
            while not os.path.exists(HOME + "/go"):
                time.sleep(0.01)
        self.wfile.write(b"0\r\n\r\n")

    def do_POST(self):
        body = self.body()
        if self.path.startswith("/responses"):
            seen = self.seen(json.loads(body))
            if seen["body"]["input"] == "end":
                os._exit(1)
            seen["id"] = self.headers.get("x-agent-response-id")
            own = [("x-platform-server", "test"), ("set-cookie", "a=b"), ("content-type", "application/json")]
            return self.answer(200, seen, own)
        if self.path.startswith("/invocations/echo"):
            return self.answer(200, self.seen(body.decode("latin-1")))
        if self.path.startswith("/invocations/refuse"):
            words = b'{"error": {"message": "%s"}}' % (b"no" * 50000)
            return self.answer(422, words, [("x-platform-error-source", "upstream")])
        told = {"out": None, "HOME": HOME, "os": os, "sys": sys}
        try:
            exec(body, told)
            self.answer(200, {"out": told["out"]})
        except Exception as error:
            self.answer(500, {"error": repr(error)})

    do_PUT = do_DELETE = do_PATCH = do_POST

    def log_message(self, *_):
        pass


print("the program is up", flush=True)
print("it says something", file=sys.stderr, flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Program).serve_forever()
