"""The gateway's side of an update: the real listener, the files that the installer takes, the last answer."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from rig.running import until
from rig.seat import settings
from rig.tls_broker import OfficeRig, make_rig, now_ms

from zonetag_backend.cli.gateway_update import lay_down
from zonetag_backend.enrolment_server import UPDATES, EnrolmentServer
from zonetag_backend.errors import RegistryError
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store import tokens
from zonetag_backend.store.engine import writing
from zonetag_gateway import identity
from zonetag_gateway.commands import Answer
from zonetag_gateway.enrolling import enrol
from zonetag_gateway.updating import NotTaken, Updates
from zonetag_protocol.update import Order, seal

CONTENT = b"a package" * 20_000
SHA256 = hashlib.sha256(CONTENT).digest()


class Bench:
    """An enrolled gateway of version 1.0, and a server with a package of version 2.0."""

    def __init__(self, rig: OfficeRig, folder: Path) -> None:
        self.rig = rig
        self.folder = folder
        self.key = open_signing_key(rig.data / "backend-signing.key")
        self.own = folder / "own"
        self.own.mkdir()
        self.inbox = folder / "update"

    def updates(self, version: str = "1.0") -> Updates:
        return Updates(self.inbox, identity.load(self.folder / "identity"), version, result=self.own / "result")

    def order(
        self, gateway: str = "gw1", version: str = "2.0", size: int = len(CONTENT), sha256: bytes = SHA256
    ) -> bytes:
        return seal(Order("hq", gateway, version, sha256, size, 1), self.key)

    def installer(self, code: str, order: bytes) -> None:
        told = {"code": code, "text": "so it is", "order": hashlib.sha256(order).hexdigest()}
        (self.own / "result").write_text(json.dumps(told))


def play(folder: Path, test: Callable[[Bench], Awaitable[None]]) -> None:
    rig = make_rig(folder / "office", now_ms())
    bench = Bench(rig, folder)
    config = settings(rig.data, "mqtt://127.0.0.1:1")

    async def inside() -> None:
        server = EnrolmentServer(config, rig.database, bench.key.public_key().public_bytes_raw(), now_ms)
        await server.start()
        try:
            with writing(rig.database) as connection:
                token = tokens.make(connection, ("gw1", "hq"), rig.ca.pin, now_ms())
            url = f"https://127.0.0.1:{server.port}"
            await asyncio.to_thread(enrol, url, token.text, folder / "identity")
            file = folder / "zonetag-gateway_2.0_all.deb"
            file.write_bytes(CONTENT)
            assert lay_down(file, rig.data / UPDATES).version == "2.0"
            await test(bench)
        finally:
            await server.stop()

    try:
        asyncio.run(asyncio.wait_for(inside(), 120))
    finally:
        rig.database.dispose()


def test_from_the_order_to_the_answer(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        order, said = bench.order(), list[Answer]()
        old = bench.updates()
        assert await old.begin("a1", order) == "2.0"
        assert (bench.inbox / "package.deb").read_bytes() == CONTENT
        assert (bench.inbox / "order").read_bytes() == order
        with pytest.raises(NotTaken, match="under way"):
            await old.begin("a2", order)
        works = bench.inbox / "works"
        watching = [asyncio.create_task(old.watch(lambda: True, said.append))]
        new = bench.updates("2.0")  # as it starts after the installation
        assert new.asked is not None
        assert new.asked.id == "a1"
        hears, looks = False, 0

        def works_now() -> bool:
            nonlocal looks
            looks += 1
            return hears

        watching.append(asyncio.create_task(new.watch(works_now, said.append)))
        bench.installer("trial", order)
        await until(lambda: looks >= 2)
        assert not works.exists()  # the version before works, and says nothing; the new one hears nothing yet
        hears = True
        await until(works.exists)
        assert works.read_text() == SHA256.hex()
        watching[0].cancel()
        bench.installer("ok", order)
        await until(lambda: bool(said))
        assert (said[0].id, said[0].code) == ("a1", "ok")
        assert not (bench.inbox / "package.deb").exists()
        assert bench.updates("2.0").asked is None
        watching[1].cancel()

    play(tmp_path, test)


def test_one_that_goes_back_is_told_by_the_version_before(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        order, said = bench.order(), list[Answer]()
        await bench.updates().begin("a1", order)
        again = bench.updates()
        watching = asyncio.create_task(again.watch(lambda: True, said.append))
        bench.installer("rolled-back", order)
        await until(lambda: bool(said))
        assert (said[0].id, said[0].code) == ("a1", "rolled-back")
        watching.cancel()

    play(tmp_path, test)


def test_what_is_refused(tmp_path: Path) -> None:
    async def test(bench: Bench) -> None:
        updates = bench.updates()
        refused = [
            (bench.order(gateway="gw2"), "order to gw2"),
            (bench.order(version="1.0"), "already"),
            (bench.order(size=len(CONTENT) - 1), "something else"),
            (bench.order(size=len(CONTENT) + 1), "something else"),
            (bench.order(sha256=bytes(32)), "no-package"),
            (bench.order()[:-1] + b"\0", "does not count"),
            (b"\xff" * 2000, "does not count"),
        ]
        for order, why in refused:
            with pytest.raises(NotTaken, match=why):
                await updates.begin("a", order)
            assert not (bench.inbox / "order").exists()
            assert not (bench.inbox / "package.part").exists()
        # Another file under the name of the one that was ordered.
        (bench.rig.data / UPDATES / SHA256.hex()).write_bytes(CONTENT[:-1] + b"!")
        with pytest.raises(NotTaken, match="something else"):
            await updates.begin("a", bench.order())
        bench.own.rmdir()
        with pytest.raises(NotTaken, match="no installer"):
            await updates.begin("a", bench.order())

    play(tmp_path, test)


def test_a_file_that_is_no_package_of_ours(tmp_path: Path) -> None:
    (tmp_path / "other.deb").write_bytes(b"x")
    with pytest.raises(RegistryError, match="no package of ours"):
        lay_down(tmp_path / "other.deb", tmp_path / "updates")
    (tmp_path / "zonetag-gateway_1.0_all.deb").write_bytes(b"")
    with pytest.raises(RegistryError, match="0 bytes"):
        lay_down(tmp_path / "zonetag-gateway_1.0_all.deb", tmp_path / "updates")
