"""Serves one page over HTTP, to whoever may reach the address: GET /metrics and nothing else.

As small as it can be: one request a connection, bounded in bytes, time and number.  What comes in is hostile until
it has turned out to be `GET /metrics HTTP/1.x`.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from zonetag_gateway.metrics import CONTENT_TYPE

log = logging.getLogger(__name__)

MAX_HEAD = 8192  # bytes of a request
MAX_CLIENTS = 8  # at a time; Prometheus is one
REQUEST_S = 5.0  # for a request to come whole, and for its answer to go
RETRY_S = 60.0  # a port that somebody else holds


async def serve(host: str, port: int, page: Callable[[], Awaitable[str]]) -> None:
    """Until cancelled.  A port that cannot be had is told and tried again: metrics never stop a gateway."""
    clients = asyncio.Semaphore(MAX_CLIENTS)

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if not clients.locked():
                async with clients, asyncio.timeout(REQUEST_S):
                    writer.write(await _answer(reader, page))
                    await writer.drain()
        except (OSError, TimeoutError):
            pass  # gone, or too slow: it may come again
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    while True:
        try:
            server = await asyncio.start_server(client, host, port, limit=MAX_HEAD)
        except OSError as error:
            log.error(
                "metrics.listen %s:%d cannot be had (%s): set another; next try in 60 s", host, port, error.strerror
            )
            await asyncio.sleep(RETRY_S)
            continue
        log.info("metrics at http://%s:%d/metrics", *server.sockets[0].getsockname()[:2])
        async with server:
            await server.serve_forever()


async def _answer(reader: asyncio.StreamReader, page: Callable[[], Awaitable[str]]) -> bytes:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return _response("400 Bad Request", "Send: GET /metrics\n")
    method, _, rest = head.partition(b"\r\n")[0].partition(b" ")
    path, _, version = rest.partition(b" ")
    if not version.startswith(b"HTTP/1."):
        return _response("400 Bad Request", "Send: GET /metrics\n")
    if method != b"GET":
        return _response("405 Method Not Allowed", "Only GET\n", "Allow: GET\r\n")
    if path.partition(b"?")[0] != b"/metrics":
        return _response("404 Not Found", "See /metrics\n")
    return _response("200 OK", await page(), content_type=CONTENT_TYPE)


def _response(status: str, text: str, more: str = "", content_type: str = "text/plain; charset=utf-8") -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n{more}"
    return f"{head}Connection: close\r\n\r\n".encode() + body
