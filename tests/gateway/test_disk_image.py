"""A stolen gateway's disk: whatever it writes, no tag's key, nothing derived from one, and no name is among it.

A real gateway, with a signing key and settings from afar, hears tags of people for three minutes while
nobody acknowledges; then its plug is pulled, and every byte that it has left is searched.
"""

import asyncio
import base64
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from faults.stack import _certificate as certificate
from rig import attacked
from rig.brokers import Mosquitto
from rig.reports import NOW_MS, Tag, signing_key

from zonetag_backend.simulate.air_server import AirServer
from zonetag_gateway import identity
from zonetag_gateway.overlay import Overlay, OverlayFile
from zonetag_gateway.spool import Spool
from zonetag_protocol import rotation

LENGTH_S = 180.0
SPEED = 40.0
WRITTEN = 2_300_000  # bytes, 2 MiB of them its ballast, when the plug is pulled
PEOPLE = (("Nguyễn Thị Thu Hà", "NV-204811"), ("Trần Đức Mạnh", "NV-771032"))
SITE_TITLE = "Ủy ban nhân dân phường Hàng Bạc"


@dataclass(frozen=True)
class Secret:
    what: str
    value: bytes

    def forms(self) -> Iterator[bytes]:
        """As it may be written: as it is, in hexadecimal, in base64 at any alignment, as text escaped in JSON."""
        yield self.value
        yield self.value.hex().encode()
        yield self.value.hex().upper().encode()
        for lead in range(3):
            # The characters at both ends hold bits of what stands beside it.
            yield base64.b64encode(bytes(lead) + self.value)[4 if lead else 0 : -4]
        if not self.what.startswith("key"):
            text = self.value.decode()
            yield text.encode("utf-16-le")
            yield text.encode("ascii", "backslashreplace")


def secrets_of(tags: list[Tag]) -> list[Secret]:
    found = []
    for number, tag in enumerate(tags):
        keys = {"master": tag.master, **tag.keys._asdict()}
        t = tag.t_ms(NOW_MS) // 1000
        keys["temporary"] = rotation.temporary_key(tag.keys.eid, t)
        found += [Secret(f"key {name} of tag {number}", key) for name, key in keys.items()]
    found += [Secret("name", name.encode()) for name, _ in PEOPLE]
    found += [Secret("staff number", code.encode()) for _, code in PEOPLE]
    return [*found, Secret("title of the site", SITE_TITLE.encode())]


def search(folder: Path, secrets: list[Secret]) -> list[str]:
    """Which secrets stand in which file."""
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        data = path.read_bytes()
        found += [f"{secret.what} in {path.name}" for secret in secrets if any(form in data for form in secret.forms())]
    return found


def enrolled(folder: Path) -> Path:
    """What enrolment leaves on a gateway (its brokers here speak no TLS)."""
    folder.mkdir()
    key = signing_key("gw1").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    backend = signing_key("backend").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    told = b'{"site": "hq", "name": "gw1", "url": "https://127.0.0.1:1", "broker": "", "token": ""}'
    for name, data in (
        (identity.SIGNING, key),
        (identity.BACKEND, backend),
        (identity.CLIENT, certificate()),
        (identity.ENROLMENT, told),
    ):
        (folder / name).touch(identity.PRIVATE)
        (folder / name).write_bytes(data)
    return folder


def written(folder: Path) -> int:
    """Bytes of the spool and its log; a gateway at work lets nobody else open it."""
    return sum(path.stat().st_size for path in folder.glob("spool.db*"))


async def live_and_die(folder: Path, port: int, tags: list[Tag]) -> None:
    script = attacked.Script(LENGTH_S, "gw1")
    start_ms = NOW_MS // 4000 * 4000
    for second in range(int(LENGTH_S)):
        for tag in tags:
            script.put("gw1", second + 0.3, tag.advert(start_ms + second * 1000 + 300))
    OverlayFile(folder / "overlay.json", lambda _: None).write(Overlay({"report.every_s": 2}))
    extra: dict[str, Any] = {"remote": {"enabled": True}, "identity": {"folder": str(enrolled(folder / "identity"))}}
    async with AirServer(script.office(), start_ms, SPEED, monotonic) as air:
        path = attacked.config(folder, "gw1", air, port, **extra)
        process = await attacked.start(path, level="debug")
        running, dying = asyncio.create_task(air.run()), asyncio.create_task(process.wait())
        await asyncio.wait((running, dying), timeout=attacked.LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
        assert running.done(), (folder / "log").read_text()
        async with asyncio.timeout(attacked.LIMIT_S):
            while written(folder) < WRITTEN:
                assert process.returncode is None
                await asyncio.sleep(0.05)
        process.kill()
        await dying
        await process.communicate()  # so that its pipe is closed
        await running


@pytest.fixture(scope="module")
def image(
    require: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, list[Secret], list[Tag]]:
    folder = tmp_path_factory.mktemp("stolen")
    broker = Mosquitto(require("mosquitto", "apt-get install mosquitto"), folder)
    broker.start()
    tags = [Tag(hashlib.sha256(bytes([number])).digest()[:16], NOW_MS - 3_600_000) for number in (1, 2, 3)]
    (folder / "disk").mkdir()
    try:
        asyncio.run(live_and_die(folder / "disk", broker.port, tags))
    finally:
        broker.stop()
    return folder / "disk", secrets_of(tags), tags


Image = tuple[Path, list[Secret], list[Tag]]


def test_nothing_on_the_disk_says_who_or_opens_anything(image: Image) -> None:
    disk, secrets, _ = image
    names = {path.name for path in disk.rglob("*") if path.is_file()}
    assert {"spool.db", "overlay.json", "log", "gateway.toml", identity.SIGNING} <= names
    assert search(disk, secrets) == []


def test_the_control_what_it_may_hold_is_found(image: Image) -> None:
    """The search sees into the spool: the identifiers that were heard stand there, in reports that wait."""
    disk, _, tags = image
    start_s = tags[0].t_ms(NOW_MS // 4000 * 4000) // 1000
    heard = [Secret("key", rotation.eid_of(tag.keys.eid, start_s)) for tag in tags]
    assert {where.split(" in ")[1].split("-")[0] for where in search(disk, heard)} == {"spool.db"}
    spool = Spool(disk / "spool.db", 1_000_000_000)
    assert spool.fill().reports > 10
    spool.close()


@pytest.mark.parametrize("form", range(6))
def test_the_control_a_planted_one_is_found(image: Image, tmp_path: Path, form: int) -> None:
    _, secrets, _ = image
    for number, secret in enumerate(secrets):
        (tmp_path / f"planted-{number}").write_bytes(b"xyz" + list(secret.forms())[form] + b"xyz")
    found = search(tmp_path, secrets)
    assert len(found) == len(secrets), form
