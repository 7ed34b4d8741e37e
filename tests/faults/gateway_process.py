"""The real `zonetag-gateway`, with a copy of every report laid beside it before the spool gets it.

    gateway_process.py SHADOW VARIANT KILL_MS -- run --config FILE ...

Lines of SHADOW, each written in one call, so that what is there is true whenever the process dies:

| line | means |
|---|---|
| T boot seq hex | the spool is about to be given this envelope |
| K boot seq | the spool has said that it has it |
| A boot through seq,seq | the backend's acknowledgement has come: the spool is about to delete |

VARIANT "real" is the product.  The others are the controls: what must fail when it is built wrongly.
KILL_MS above 0: the kernel ends the process at a random moment up to so long after the 3rd append has begun (SIGALRM
with its default action, which is as sudden as SIGKILL).
"""

import faulthandler
import os
import random
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from zonetag_gateway import app, cli, sightings, uplink
from zonetag_gateway.errors import SpoolFull
from zonetag_gateway.mqtt import Connection, Message, Received
from zonetag_gateway.room import Room
from zonetag_gateway.source import Moment
from zonetag_gateway.sources import simulated
from zonetag_gateway.sources.simulated import Simulated
from zonetag_gateway.spool import Record, Spool
from zonetag_protocol import acknowledgement, envelope, report
from zonetag_protocol.acknowledgement import Acknowledgement

DEADLY_APPEND = 3
HELD_BACK = 8  # reports that the lazy spool keeps in memory


class Shadowed(Spool):
    """The spool, watched."""

    shadow = -1  # file descriptor
    kill_s = 0.0
    appends = 0

    def append(self, records: Sequence[Record]) -> int:
        for record in records:
            self._say(f"T {record.boot} {record.seq} {record.sealed.hex()}")
        Shadowed.appends += 1
        if self.kill_s and Shadowed.appends == DEADLY_APPEND:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, random.uniform(1e-6, self.kill_s))
        dropped = self._keep(records)
        for record in records:
            self._say(f"K {record.boot} {record.seq}")
        return dropped

    def acknowledged(self, ack: Acknowledgement) -> int:
        self._say(f"A {ack.boot} {ack.through} {','.join(map(str, ack.beyond))}")
        return super().acknowledged(ack)

    def _keep(self, records: Sequence[Record]) -> int:
        return super().append(records)

    def _say(self, line: str) -> None:
        os.write(self.shadow, line.encode() + b"\n")


class Lazy(Shadowed):
    """Control: says that it has a report before it is on the disk."""

    held: tuple[Record, ...] = ()

    def _keep(self, records: Sequence[Record]) -> int:
        self.held += tuple(records)
        if len(self.held) < HELD_BACK:
            return 0
        held, self.held = self.held, ()
        return super()._keep(held)


class Forgetful(Shadowed):
    """Control: when the disk refuses, the reports are thrown away instead of being held."""

    def _keep(self, records: Sequence[Record]) -> int:
        try:
            return super()._keep(records)
        except SpoolFull:
            print("thrown away", file=sys.stderr, flush=True)  # full_disk.py waits for it
            return 0


class Doubting(Simulated):
    """A source whose clock is not synchronised while there is a file `doubt` beside the shadow."""

    doubt: Path

    def moment(self, at: float) -> Moment:
        return replace(super().moment(at), synchronised=not self.doubt.exists())


class Trusting(Connection):
    """Control: a PUBACK is taken for the backend's acknowledgement (whose key it borrows, to be believed)."""

    key: Ed25519PrivateKey

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._on_the_way: dict[int, Message] = {}

    def publish(self, message: Message) -> int | None:
        mid = super().publish(message)
        if mid is not None and message.topic.endswith("/report"):
            self._on_the_way[mid] = message
        return mid

    def _on_publish(self, client: Any, userdata: object, mid: int, reason: Any, properties: Any) -> None:
        super()._on_publish(client, userdata, mid, reason, properties)
        message = self._on_the_way.pop(mid, None)
        if message is not None:
            made = report.decode(envelope.unwrap(message.payload, "report"))
            ack = Acknowledgement(made.gateway, made.boot, 0, (made.seq,))
            topic = message.topic.removesuffix("report") + "ack"
            self._tell(Received(topic, envelope.wrap(acknowledgement.encode(ack), "ack", self.key), False))


class FirstCome(Room):
    """Control: a table of the same size in which nobody becomes known."""

    def promote(self, eid: bytes, heard: float) -> bool:
        return False

    def goes_on(self, eid: bytes) -> bool:
        return False


SPOOLS = {
    "real": Shadowed,
    "lazy": Lazy,
    "forgetful": Forgetful,
    "trusting": Shadowed,
    "doubting": Shadowed,
    "first-come": Shadowed,
}


def main() -> int:
    faulthandler.register(signal.SIGUSR1, all_threads=True)  # where it stands, for whoever looks into a stuck run
    shadow, variant, kill_ms, _, *command = sys.argv[1:]
    Shadowed.shadow = os.open(Path(shadow), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    Shadowed.kill_s = float(kill_ms) / 1000
    # The one seam that the program has no keyword for: which spool its app opens.  Nothing else is exchanged, but for
    # waits that a test of a thousand kills cannot sit through.
    vars(app)["Spool"] = SPOOLS[variant]
    if variant == "doubting":
        Doubting.doubt = Path(shadow).with_name("doubt")
        vars(simulated)["Simulated"] = Doubting
    if variant == "first-come":
        vars(sightings)["Room"] = FirstCome
    if variant == "trusting":
        vars(uplink)["Connection"] = Trusting
        stolen = Path(shadow).with_name("stolen.pem")
        Trusting.key = cast(Ed25519PrivateKey, load_pem_private_key(stolen.read_bytes(), None))
    uplink.LASTING_S = 0.0
    uplink.BACKOFF_FIRST_S = 0.1
    uplink.BACKOFF_MAX_S = 0.5
    return cli.main(command)


if __name__ == "__main__":
    sys.exit(main())
