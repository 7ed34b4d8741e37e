"""The pages of an office, asked in the same process or over a real socket."""

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import uvicorn
from rig.accounts import sign_in
from rig.office import Office
from rig.screens import open_screen
from starlette.applications import Starlette

from zonetag_backend.doors import Doors
from zonetag_backend.events import Events
from zonetag_backend.keys import Keyring
from zonetag_backend.roles import FULL, SCREEN
from zonetag_backend.web.app import make_app
from zonetag_backend.web.paperwork import PaperSettings
from zonetag_backend.web.visitor import Visitor

KEYRING = Keyring(bytes(range(32)))

LIMIT_S = 120  # generous: a server that starts on a busy machine


def ask(app: Starlette, method: str, path: str, **options: Any) -> httpx.Response:
    """One request, answered in this process; a fault of ours is answered too, not raised."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        base = str(options.pop("base", "http://127.0.0.1:8765"))
        async with httpx.AsyncClient(transport=transport, base_url=base) as client:
            return await client.request(method, path, **options)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(asked())
    with ThreadPoolExecutor(1) as pool:  # a browser's windows have a loop in this thread
        return pool.submit(asyncio.run, asked()).result()


class Somebody:
    """`get(path, role="health", method="GET", ...)`: one request of somebody with that role; role="" is a stranger."""

    def __init__(self, app: Starlette, office: Office, name: str = "") -> None:
        self._app = app
        self._name = name
        self._office = office
        self._tokens: dict[tuple[str, str], str] = {}
        self._screens: dict[str, str] = {}

    def token(self, role: str = "health", stage: str = FULL) -> str:
        """The token of their session, which is opened when it is first asked for."""
        if not role:
            return "s" * 43
        if role == SCREEN and role not in self._screens:
            self._screens[role] = open_screen(self._office)
        if role == SCREEN:
            return self._screens[role]
        if (role, stage) not in self._tokens:
            self._tokens[role, stage] = sign_in(self._office.engine, role, self._office.clock(), stage, self._name)
        return self._tokens[role, stage]

    def named(self, name: str, role: str) -> "Somebody":
        """Another one of the same role."""
        other = Somebody(self._app, self._office, name)
        other.token(role)
        return other

    def csrf(self, role: str = "health", stage: str = FULL) -> str:
        """What their forms hold."""
        return Visitor("", frozenset(), token=self.token(role, stage)).csrf

    def __call__(self, path: str, role: str = "health", stage: str = FULL, **options: Any) -> httpx.Response:
        headers = dict(options.pop("headers", {}))
        cookies = [f"zonetag={self.token(role, stage)}", headers.get("Cookie", "")]
        headers["Cookie"] = "; ".join(filter(None, cookies))
        return ask(self._app, options.pop("method", "GET"), path, headers=headers, **options)

    def post(self, path: str, role: str = "health", stage: str = FULL, **fields: str) -> httpx.Response:
        """Send a form of theirs."""
        return self(path, role, stage, method="POST", data={"csrf": self.csrf(role, stage), **fields})


Get = Somebody


def as_somebody(app: Starlette, office: Office) -> Somebody:
    """Requests to an application by people of any role."""
    return Somebody(app, office)


class Served:
    """The pages behind a real socket, which can be stopped and started again on the same port."""

    def __init__(
        self, office: Office, events: Events, paperwork: PaperSettings | None = None, app: Starlette | None = None
    ) -> None:
        self.office = office
        self.app = app
        self.paperwork = paperwork
        self.events = events
        self.doors = Doors()
        self.port = 0
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cookie(self, role: str = "health") -> dict[str, str]:
        """The cookie of somebody with a role, newly signed in."""
        return {"zonetag": sign_in(self.office.engine, role, self.office.clock())}

    def sign_in(self, context: Any, role: str = "health") -> None:
        """Give a browser's context that cookie."""
        context.clear_cookies(name="zonetag")
        context.add_cookies(
            [{"name": name, "value": value, "url": self.url} for name, value in self.cookie(role).items()]
        )

    def start(self) -> None:
        app = self.app or make_app(
            self.office.engine,
            self.office.clock,
            self.events,
            keyring=KEYRING,
            doors=self.doors,
            paperwork=self.paperwork,
        )
        config = uvicorn.Config(app, host="127.0.0.1", port=self.port, log_level="warning")
        self._server = uvicorn.Server(config)
        ready = threading.Event()

        async def serve() -> None:
            task = asyncio.create_task(self._server.serve())
            while not self._server.started and not task.done():  # noqa: ASYNC110 - uvicorn has nothing else that tells
                await asyncio.sleep(0.01)
            ready.set()
            await task

        self._thread = threading.Thread(target=asyncio.run, args=(serve(),))
        self._thread.start()
        assert ready.wait(LIMIT_S)
        assert self._server.started
        self.port = self._server.servers[0].sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Stop as `zonetag serve` does: the streams end, then the server."""
        self.events.close()
        self._server.should_exit = True
        assert self._thread is not None
        self._thread.join(LIMIT_S)
        assert not self._thread.is_alive()
        self._thread = None

    def start_again(self) -> None:
        """A new run of the server, with events of its own."""
        self.events = Events()
        self.start()

    def close(self) -> None:
        with contextlib.suppress(AssertionError):
            if self._thread is not None:
                self.stop()
