"""A newer version of this gateway, from an order to its end (SPEC.md section 8.4).

This side, which is not root, proves the order, fetches the package, and lays both where the installer finds them
(deploy/debian/update); the installer believes none of it and proves it again.  Afterwards the new version says here
that it works, or the one before finds out that it is back, and the operator is told.

| file in `update/`, beside the spool | holds |
|---|---|
| `package.deb` | what was fetched, its hash checked |
| `order` | the envelope; its appearance starts the installer |
| `asked` | JSON: the command's id, the order's hash, the version; until the operator has been told |
| `works` | the package's hash: the new version has heard and delivered |
"""

import asyncio
import contextlib
import hashlib
import json
import logging
import os
import shutil
import ssl
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from zonetag_gateway import tls
from zonetag_gateway.commands import FAILED, OK, ROLLED_BACK, Answer
from zonetag_gateway.config import Config
from zonetag_gateway.errors import EnrolmentRefused
from zonetag_gateway.identity import CA, Identity
from zonetag_gateway.office import Server
from zonetag_gateway.order import NotForUs, read
from zonetag_protocol.errors import ZonetagError
from zonetag_protocol.update import UPDATE, Order

log = logging.getLogger(__name__)

RESULT = Path("/var/lib/zonetag-gateway-update/result")  # the installer's
MAX_RESULT = 4096  # bytes
LOOK_S = 1.0
PATIENCE_S = 1800.0  # for the installer: a Pi takes minutes to make the Python environment anew, twice if it goes back
ROOM = 2  # times the package: the spool must not run out of room
_CODES = {"ok": OK, "rolled-back": ROLLED_BACK, "failed": FAILED}


class NotTaken(Exception):
    """An order that is not followed: a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An update that is under way."""

    id: str
    # of the command
    order: str
    # SHA-256 of the envelope, hexadecimal
    sha256: str
    # of the package
    version: str


def of(config: Config, mine: Identity | None, version: str) -> "Updates | None":
    """For a gateway that takes commands and has a backend to believe."""
    if mine is None or not config.remote.enabled:
        return None
    return Updates(config.spool.path.with_name("update"), mine, version)


async def watch(updates: "Updates | None", works: Callable[[], bool], answer: Callable[[Answer], None]) -> None:
    """As Updates.watch, if there is any; until cancelled."""
    if updates is not None:
        await updates.watch(works, answer)
    await asyncio.Event().wait()


class Updates:
    """What is asked of the installer, and what becomes of it."""

    def __init__(
        self,
        folder: Path,
        mine: Identity,
        version: str,
        *,
        result: Path = RESULT,
        trust: Callable[[str], ssl.SSLContext] = tls.of_root,
    ) -> None:
        """`folder`: see above; `version` is our own."""
        self._folder = folder
        self._mine = mine
        self._version = version
        self._result = result
        self._trust = trust
        self.asked = self._read()

    async def begin(self, identifier: str, envelope: bytes) -> str:
        """Hand an order to the installer: what version it is of.  NotTaken."""
        if self.asked is not None:
            raise NotTaken("Another update is under way.")
        try:
            order = read(envelope, self._mine.backend, self._mine.site, self._mine.name)
        except (ZonetagError, NotForUs) as error:
            raise NotTaken(f"The order does not count: {error}.") from error
        if order.version == self._version:
            raise NotTaken(f"This is version {self._version} already.")
        if not self._result.parent.is_dir():
            raise NotTaken("This gateway has no installer: it was not installed as a package.")
        try:
            await asyncio.to_thread(self._place, identifier, envelope, order)
        except EnrolmentRefused as error:
            raise NotTaken(str(error)) from error
        except OSError as error:
            raise NotTaken(f"The package cannot be stored ({error.strerror}).") from error
        return order.version

    async def watch(self, works: Callable[[], bool], answer: Callable[[Answer], None]) -> None:
        """Say that we work if we are what was ordered, and tell what the installer says; until cancelled."""
        waited = 0.0
        while True:
            await asyncio.sleep(LOOK_S)
            asked = self.asked
            if asked is None:
                waited = 0.0
                continue
            waited += LOOK_S
            if asked.version == self._version and works():
                with contextlib.suppress(OSError):
                    await asyncio.to_thread(self._write, "works", asked.sha256.encode())
            told = await asyncio.to_thread(self._told, asked)
            if told is None and waited >= PATIENCE_S:
                told = Answer(asked.id, FAILED, "The installer does not answer: see zonetag-gateway-update.path.")
            if told is not None:
                log.info("update: %s", told.text)
                answer(told)
                self._forget()

    def _place(self, identifier: str, envelope: bytes, order: Order) -> None:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        if shutil.disk_usage(self._folder).free < ROOM * order.size:
            raise NotTaken(f"{ROOM * order.size // 1_000_000} MB of room are needed.")
        (self._folder / "works").unlink(missing_ok=True)
        trusted = self._trust((self._mine.folder / CA).read_text())
        draft = self._folder / "package.part"
        try:
            with draft.open("wb") as file:
                Server(self._mine.url).download(f"/{UPDATE}/{order.sha256.hex()}", order.size, file, trusted)
                file.flush()
                os.fsync(file.fileno())
            with draft.open("rb") as file:
                if hashlib.file_digest(file, "sha256").digest() != order.sha256:
                    raise NotTaken("The server has sent something else than was ordered.")
            draft.replace(self._folder / "package.deb")
        finally:
            draft.unlink(missing_ok=True)
        asked = Asked(identifier, hashlib.sha256(envelope).hexdigest(), order.sha256.hex(), order.version)
        self._write("asked", json.dumps(asdict(asked)).encode())
        self.asked = asked
        self._write("order", envelope)

    def _told(self, asked: Asked) -> Answer | None:
        """The installer's last word on it."""
        try:
            told = json.loads(self._result.read_text(encoding="utf-8")[:MAX_RESULT])
            if told["order"] == asked.order and told["code"] in _CODES:
                return Answer(asked.id, _CODES[told["code"]], str(told["text"]))
        except (OSError, ValueError, TypeError, KeyError):
            pass
        return None

    def _forget(self) -> None:
        self.asked = None
        for name in ("asked", "package.deb"):
            with contextlib.suppress(OSError):
                (self._folder / name).unlink(missing_ok=True)

    def _write(self, name: str, data: bytes) -> None:
        fresh = self._folder / f"{name}.fresh"
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._folder / name)

    def _read(self) -> Asked | None:
        try:
            return Asked(**json.loads((self._folder / "asked").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
