"""Around every page: who may ask (the Host header), what a browser may do with the answer, where JSON twins are."""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # Nothing from elsewhere, no script or style inside a page, nobody may frame it.
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}

_PORT = re.compile(r":[0-9]*\Z")

# Names of people must not stay in a cache; static files say for themselves how long they last.
NO_STORE = "no-store"


class Shield:
    """ASGI middleware that refuses foreign Host headers and sets HEADERS on every answer.

    A page elsewhere can point a name of its own at 127.0.0.1 and read what answers there (DNS rebinding); it cannot
    make the browser send one of our names in the Host header.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...]) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_shielded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", NO_STORE)
            await send(message)

        name = _PORT.sub("", Headers(scope=scope).get("host", "").lower())
        if name in self._hosts:
            await self._app(scope, receive, send_shielded)
        else:
            refusal = PlainTextResponse(f"Open this page as http://{self._hosts[0]}:<port>/\n", status_code=400)
            await refusal(scope, receive, send_shielded)


class Twin:
    """ASGI middleware: `/x.json` is the JSON twin of `/x`, and `/index.json` that of `/`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and path.endswith(".json") and not path.startswith("/static/"):
            bare = path.removesuffix(".json")
            state = {**scope.get("state", {}), "twin": True}
            scope = {**scope, "path": "/" if bare == "/index" else bare, "state": state}
        await self._app(scope, receive, send)
