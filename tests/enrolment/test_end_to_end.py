"""From the token to acknowledged reports: the real listener, the real broker with its access list, a whole gateway."""

import asyncio
import stat
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rig.running import running, until
from rig.seat import settings
from rig.tls_broker import TlsBroker, make_rig, now_ms

from zonetag_backend.app import Backend
from zonetag_backend.store import certificates, tokens
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.refusals import totals
from zonetag_gateway import identity
from zonetag_gateway.config import Config, parse
from zonetag_gateway.enrolling import Enrolled, enrol
from zonetag_gateway.errors import EnrolmentRefused, IdentityUnusable
from zonetag_gateway.renewal import Renewal
from zonetag_protocol.enrolment import Token

LIMIT_S = 60.0
DAY_MS = 86_400_000


class Site:
    """An office with its broker; a backend is at work inside `test`."""

    def __init__(self, program: str, folder: Path) -> None:
        self.folder = folder
        self.rig = make_rig(folder / "office", now_ms() - 70 * DAY_MS)
        self.broker = TlsBroker(program, folder / "broker", self.rig)
        self.url = f"mqtts://127.0.0.1:{self.broker.port}"
        ca = str(self.rig.data / "pki" / "root.pem")
        self.config = settings(self.rig.data, self.url, **{"broker.ca": ca})

    def token(self, name: str = "gw1") -> Token:
        with writing(self.rig.database) as connection:
            return tokens.make(connection, (name, "hq"), self.rig.ca.pin, now_ms())

    def refused(self) -> dict[str, dict[str, int]]:
        with reading(self.rig.database) as connection:
            return totals(connection)

    async def enrol(self, backend: Backend, token: Token, folder: Path) -> Enrolled:
        return await asyncio.to_thread(enrol, f"https://127.0.0.1:{backend.enrolment.port}", token.text, folder)

    def gateway(self, name: str, **sections: dict[str, object]) -> Config:
        table: dict[str, object] = {
            "site": "hq",
            "name": name,
            "windows": {"length_s": 0.5, "silence_s": 0.5},
            "report": {"every_s": 0.5},
            "spool": {"path": f"{name}.db", "max_mb": 8},
            "broker": {"url": self.url, "resend_s": 1},
        }
        return parse(table | sections, self.folder)


@pytest.fixture
def site(require: Callable[..., str], tmp_path: Path) -> Site:
    return Site(require("mosquitto", "apt-get install mosquitto"), tmp_path)


def committed(backend: Backend) -> int:
    count = backend.counters()["reports"]
    assert isinstance(count, int)
    return count


def play(site: Site, test: Callable[[Backend], object]) -> None:
    async def inside() -> None:
        async with Backend(site.config, now_ms) as backend:
            await until(lambda: backend.connected)
            await test(backend)  # type: ignore[misc]  # a coroutine of the test

    site.broker.start()
    try:
        asyncio.run(asyncio.wait_for(inside(), 3 * LIMIT_S))
    finally:
        site.broker.stop()
        site.rig.database.dispose()


def test_from_a_token_to_acknowledged_reports(site: Site) -> None:
    async def test(backend: Backend) -> None:
        folder = site.folder / "identity"
        token = site.token()
        done = await site.enrol(backend, token, folder)
        assert (done.site, done.name, done.again) == ("hq", "gw1", False)
        for name, mode in (("signing.key", 0o600), ("client.pem", 0o600), ("ca.pem", 0o644), ("backend.pub", 0o644)):
            assert stat.S_IMODE((folder / name).stat().st_mode) == mode
        assert not list(folder.glob("pending-*"))
        before = (folder / "signing.key").read_bytes()
        assert (await site.enrol(backend, token, folder)).again  # typed once more
        assert (folder / "signing.key").read_bytes() == before
        config = site.gateway("gw1", identity={"folder": str(folder)})
        async with running(config) as gateway:
            await until(lambda: committed(backend) >= 3)
            summary = await gateway.end()
        assert summary["spooled"] == 0
        assert summary["acknowledged"] == summary["sent"] == committed(backend)
        assert site.refused() == {}

    play(site, test)


def test_control_with_a_certificate_and_no_signature_nothing_is_taken(site: Site) -> None:
    async def test(backend: Backend) -> None:
        folder = site.folder / "identity"
        await site.enrol(backend, site.token("gw2"), folder)
        files = {"cert": str(folder / "client.pem"), "key": str(folder / "client.pem"), "ca": str(folder / "ca.pem")}
        async with running(site.gateway("gw2", broker={"url": site.url, "resend_s": 1, **files}), 0.0) as gateway:
            await until(lambda: site.refused().get("gw2", {}).get("unsigned", 0) >= 3)
            summary = await gateway.end()
        assert summary["acknowledged"] == 0
        assert summary["spooled"] == summary["reports"]
        assert committed(backend) == 0
        # Enrolled, it delivers what had waited.
        async with running(site.gateway("gw2", identity={"folder": str(folder)})) as gateway:
            await until(lambda: committed(backend) >= summary["reports"])
            assert (await gateway.end())["spooled"] == 0

    play(site, test)


def test_a_server_that_the_token_does_not_pin_hears_nothing(site: Site) -> None:
    async def test(backend: Backend) -> None:
        token = site.token()
        with pytest.raises(EnrolmentRefused, match="not the server that this token is of"):
            await site.enrol(backend, replace(token, pin=bytes(16)), site.folder / "identity")
        assert not (site.folder / "identity").exists()
        with pytest.raises(EnrolmentRefused, match="token-wrong"):
            await site.enrol(backend, replace(token, secret=bytes(16)), site.folder / "identity")
        await site.enrol(backend, token, site.folder / "identity")  # control
        with pytest.raises(IdentityUnusable, match="this gateway is gw2"):
            identity.of(site.gateway("gw2", identity={"folder": str(site.folder / "identity")}))

    play(site, test)


def test_renewal_from_day_60_on_and_none_for_who_is_revoked(site: Site) -> None:
    async def test(backend: Backend) -> None:
        folder = site.folder / "identity"
        await site.enrol(backend, site.token(), folder)
        mine = identity.load(folder)
        start, end = mine.span_ms()
        first = (folder / "client.pem").read_bytes()
        clock = [start + (end - start) * 2 // 3 - 1]
        renewed = threading.Event()
        renewal = Renewal(mine, lambda: clock[0], renewed.set, jitter=lambda: 0.5)
        assert clock[0] < renewal.due_ms
        task = asyncio.create_task(renewal.run())
        await asyncio.sleep(0)
        assert not renewed.is_set()
        task.cancel()
        clock[0] += 1
        task = asyncio.create_task(renewal.run())
        await asyncio.to_thread(renewed.wait, LIMIT_S)
        task.cancel()
        assert (folder / "client.pem").read_bytes() != first
        assert not (folder / "renewal.pem").exists()
        assert renewal.told() == {"until_ms": mine.span_ms()[1], "renewal_failures": 0, "why": ""}
        # Its end is told, whatever the clock says, and 1970 asks for nothing.
        assert Renewal(mine, lambda: 0, renewed.set, jitter=lambda: 0.5).due_ms > clock[0] - 90 * DAY_MS
        with writing(site.rig.database) as connection:
            certificates.revoke_gateway(connection, "gw1", now_ms())
        second = (folder / "client.pem").read_bytes()
        with pytest.raises(EnrolmentRefused) as refused:
            await asyncio.to_thread(renewal.renew)
        assert refused.value.reason == "revoked"
        assert (folder / "client.pem").read_bytes() == second

    play(site, test)


def test_a_new_certificate_makes_the_connection_anew(site: Site) -> None:
    async def test(backend: Backend) -> None:
        folder = site.folder / "identity"
        await site.enrol(backend, site.token(), folder)
        config = site.gateway("gw1", identity={"folder": str(folder)})
        # A certificate whose day 60 is past: the gateway renews it as soon as it runs.
        mine = identity.load(folder)
        (folder / "client.pem").write_bytes(site.rig.gateway("gw1", now_ms() - 61 * DAY_MS).read_bytes())
        before = mine.span_ms()
        async with running(config) as gateway:
            await until(lambda: mine.span_ms() != before)
            await until(
                lambda: sum("New client connected" in line and " as gw1 " in line for line in site.broker.log) > 1
            )
            await until(lambda: committed(backend) >= 2)
            assert (await gateway.end())["spooled"] == 0

    play(site, test)
