"""The HTTPS side of enrolment: what anybody in the network may ask, so everything about it is bounded."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from zonetag_protocol.enrolment import ENROL, MAX_REQUEST, RENEW, ROOT_PATH
from zonetag_protocol.update import UPDATE

MINUTE_MS = 60_000
PER_ADDRESS = 20  # requests a minute: an enrolment takes two
PER_MINUTE = 600  # of all together
_SHA256 = re.compile("[0-9a-f]{64}")
BODY_S = 10.0  # a body that takes longer is none


class Refusal(Exception):
    """What is refused: a code, an HTTP status and a sentence."""

    def __init__(self, code: str, status: int, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.status = status
        self.text = text


class Answers(Protocol):
    """What answers: raises Refusal."""

    def root(self) -> bytes:
        """PEM of the root."""

    def enrol(self, data: bytes) -> dict[str, object]:
        """Answer an enrolment."""

    def renew(self, data: bytes) -> dict[str, object]:
        """Answer a renewal."""


class Limit:
    """So many requests a minute, of one address and of all."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._minute = 0
        self._seen: Counter[str] = Counter()

    def takes(self, address: str) -> bool:
        """Whether one more may be looked at."""
        minute = self._clock() // MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._seen.clear()
        if self._seen.total() >= PER_MINUTE or self._seen[address] >= PER_ADDRESS:
            return False
        self._seen[address] += 1
        return True


def make_app(answers: Answers, clock: Callable[[], int], updates: Path | None = None) -> Starlette:
    """`clock` gives UTC in ms; `updates`: the folder of packages, each named after its SHA-256."""
    limit = Limit(clock)

    async def package(request: Request) -> Response:
        name = request.path_params["sha256"]
        if not limit.takes(request.client.host if request.client else ""):
            return _no("slow-down", 429, "too many requests: try again in a minute")
        # Software and no secret; a gateway believes the order that names it, not this server.
        if updates is None or not _SHA256.fullmatch(name) or not (updates / name).is_file():
            return _no("no-package", 404, "there is no such package here: zonetag gateway update lays one down")
        return FileResponse(updates / name, media_type="application/octet-stream")

    async def root(_request: Request) -> Response:
        return Response(answers.root(), media_type="application/x-pem-file")

    async def enrol(request: Request) -> Response:
        return await _post(request, answers.enrol)

    async def renew(request: Request) -> Response:
        return await _post(request, answers.renew)

    async def _post(request: Request, answer: Callable[[bytes], dict[str, object]]) -> Response:
        if not limit.takes(request.client.host if request.client else ""):
            return _no("slow-down", 429, "too many requests: try again in a minute")
        try:
            async with asyncio.timeout(BODY_S):
                body = await _body(request)
        except (TimeoutError, ClientDisconnect):
            return _no("too-slow", 408, "the request did not arrive")
        if body is None:
            return _no("too-large", 413, f"a request has at most {MAX_REQUEST} bytes")
        try:
            return JSONResponse(await run_in_threadpool(answer, body), headers={"Cache-Control": "no-store"})
        except Refusal as refusal:
            return _no(refusal.code, refusal.status, refusal.text)

    routes = [
        Route(ROOT_PATH, root),
        Route(f"/{ENROL}", enrol, methods=["POST"]),
        Route(f"/{RENEW}", renew, methods=["POST"]),
        Route(f"/{UPDATE}/{{sha256}}", package),
    ]
    return Starlette(routes=routes)


async def _body(request: Request) -> bytes | None:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_REQUEST:
            return None
    return body


def _no(code: str, status: int, text: str) -> Response:
    return JSONResponse({"code": code, "text": text}, status)
