"""What the backend asks for again, and whose acknowledgements count: a whole gateway at a real broker."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rig.backend_stub import BackendStub, ack
from rig.brokers import Mosquitto
from rig.running import running, until

from zonetag_backend.clock import utc_ms
from zonetag_backend.pki import authority
from zonetag_gateway import identity
from zonetag_gateway.config import Config
from zonetag_gateway.office import pem_of
from zonetag_protocol import envelope, loss
from zonetag_protocol.report import Report

Configure = Callable[..., Config]
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNING = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))


def make_identity(folder: Path) -> dict[str, str]:
    """As enrolment would fill it, with a certificate of its own that nobody looks at."""
    root = authority.init_root(utc_ms())
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    identity.write(folder / identity.SIGNING, pem_of(SIGNING), 0o600)
    identity.write(folder / identity.BACKEND, KEY.public_key().public_bytes(serialization.Encoding.PEM, spki), 0o644)
    told = {"url": "https://127.0.0.1:9", "site": "hq", "name": "entrance"}
    identity.write(folder / identity.ENROLMENT, json.dumps(told).encode(), 0o644)
    identity.write(folder / identity.CLIENT, pem_of(root.key) + authority.pem(root.certificate), 0o600)
    return {"folder": str(folder)}


def test_what_is_gone_is_told_lost_once_asked_for(broker: Mosquitto, configure: Configure) -> None:
    """The stub acknowledges report 1, and then says that it misses it: the gateway has deleted it."""

    async def scene() -> None:
        def answer(report: Report, stub: BackendStub) -> list[bytes]:
            if report.seq == 1:
                return [ack("entrance", report.boot, 1)]
            return [ack("entrance", report.boot, 0, report.seq, missing=(1,))]

        async with BackendStub(broker.port, answer) as stub, running(configure(broker.url)) as gateway:
            await asyncio.to_thread(stub.wait, lambda: stub.last("lost") is not None)
            told = loss.decode(envelope.unwrap(stub.last("lost") or b"", "lost"))
            assert (told.gateway, told.boot, told.seqs) == ("entrance", stub.reports[0].boot, (1,))
            await gateway.end()

    asyncio.run(scene())


def test_only_signed_acknowledgements_count(broker: Mosquitto, configure: Configure, tmp_path: Path) -> None:
    """Unsigned and wrongly signed ones are counted and delete nothing; control: signed ones do."""

    async def scene() -> None:
        signing = [False]

        def answer(report: Report, stub: BackendStub) -> list[bytes]:
            stub.ack_of(report)  # so that it knows
            through = max(stub.seen[report.boot])
            if signing[0]:
                return [ack("entrance", report.boot, through, key=KEY)]
            return [ack("entrance", report.boot, through), ack("entrance", report.boot, through, key=SIGNING)]

        config = configure(broker.url, identity=make_identity(tmp_path / "identity"), health={"every_s": 1})
        async with BackendStub(broker.port, answer) as stub, running(config) as gateway:

            def health() -> dict[str, int]:
                told: dict[str, int] = json.loads(stub.last("health") or b"{}")
                return told

            await until(lambda: health().get("acks_forged", 0) >= 4)
            assert (health()["acknowledged"], health()["acks_malformed"]) == (0, 0)
            signing[0] = True
            await until(lambda: health()["acknowledged"] > 0)
            assert (await gateway.end())["spooled"] == 0

    asyncio.run(scene())
