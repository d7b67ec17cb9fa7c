"""A small MCP server for the suites: an account, and transfers that stand in a file.

    python ledger.py TRANSPORT PORT FILE

TRANSPORT is `streamable-http` or `sse`.
"""

import asyncio
import sys
from pathlib import Path

from mcp.server.mcpserver import Context, MCPServer
from mcp.types import ToolAnnotations

TRANSPORT, PORT, FILE = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])

server = MCPServer("ledger")


@server.tool(annotations=ToolAnnotations(read_only_hint=True))
def balance(account: str) -> str:
    """Says what is on an account."""
    return f"{account} holds 42"


@server.tool()
def transfer(to: str, amount: int) -> str:
    """Transfers an amount."""
    with FILE.open("a") as ledger:
        ledger.write(f"{amount} to {to}\n")
    return f"{amount} went to {to}"


@server.tool()
def audit(ctx: Context) -> str:
    """Says which key the caller has shown."""
    headers = ctx.headers or {}
    return f"the key is {headers.get('x-key', 'missing')}"


@server.tool()
async def hang() -> str:
    """Never ends."""
    await asyncio.sleep(3600)
    return "too late"


@server.tool()
def fail() -> str:
    """Fails."""
    raise ValueError("as it was told")


server.run(TRANSPORT, host="127.0.0.1", port=PORT)
