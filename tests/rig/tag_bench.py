"""A tag's life on this machine: the firmware on 32-bit MicroPython, with stand-ins (`tests/firmware/device`) around it.

    bench = TagBench(micropython, tmp_path)          # fixture `tag_bench` of tests/firmware
    bench.give_card(master=KEY)
    first = bench.live(seconds=3600)                 # until the supply ends
    second = bench.live(seconds=3600, reset_cause=3) # the same flash and NVS, after a watchdog's reset
    for frame in first.frames: ...

| setting of `live` | meaning |
|---|---|
| seconds | length of this life |
| board | its name |
| ticks | first reading of the millisecond counter |
| chip, blocks | the files on littlefs on a flash chip of so many blocks (else in a folder) |
| fill | fill that file system |
| refusing, truncates | a file system that takes nothing; or nothing but the emptying of a file |
| cut_at, nvs_torn_at | the number of the write to flash or NVS at which the power goes |
| nvs_fails | NVS takes nothing |
| reset_cause | as `machine` tells it |
| power | {"reset_reason": N}: our own build of MicroPython, which tells that |
| battery_uv, acceleration_fails | what the sensors say |
| events | [[second, name, value]...]: press PIN, confirm T, refuse N, advertise_fails N, or any name of `world` |
| control | "unchecked" or "hasty": a radio with a fault |
| record | "": frames are not recorded |
| memory | true: bytes in use at each hour |
"""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rig.micropython import Micropython

from zonetag_protocol import frame, rotation, status
from zonetag_protocol.advert import decode, frame_of
from zonetag_protocol.card import Card, pack

ROOT = Path(__file__).resolve().parents[2]
DEVICE = ROOT / "tests" / "firmware" / "device"
DEVICE_AIR = ROOT / "tests" / "firmware" / "device_air"
DEVICE_ESP32 = ROOT / "tests" / "firmware" / "device_esp32"
DEVICE_POWER = ROOT / "tests" / "firmware" / "device_power"
OF_LINK = ("ccm", "contact", "fragments", "link", "linkmessage")
TAG_SIDE = ("__init__", "errors", "crypto", "rotation", "status", "frame", "card", *OF_LINK)  # of the protocol
RECORD = 4 + 7 + 4 + 31  # bytes: second, address, interval, payload
MASTER = bytes(range(16))
T0 = 100_000
HEAP = "170K"  # stand-ins, recording and a flash chip in the heap too; the budget has its own test


@dataclass(frozen=True, slots=True)
class Sent:
    """One frame that a tag put on the air, opened with its keys."""

    second: int
    # of that life
    address: bytes
    # type byte and 6 bytes
    interval_us: int
    payload: bytes
    # 31 bytes
    eid: bytes
    epoch: int
    slot: int
    # within the epoch
    status: status.Status


@dataclass(frozen=True, slots=True)
class Life:
    """One life of a tag, and what became of it."""

    said: list[dict[str, Any]]
    # lines of JSON on the serial line
    frames: list[Sent]
    end: dict[str, Any]
    # what `life.py` prints last
    output: str


def compiled(micropython: Micropython, into: Path) -> Path:
    """The firmware and the protocol as .mpy, as a tag is given them."""
    micropython.compile(ROOT / "protocol/zonetag_protocol", into / "zonetag_protocol", TAG_SIDE)
    micropython.compile(ROOT / "firmware/zonetag_tag", into / "zonetag_tag")
    micropython.compile(DEVICE, into)
    return into


class TagBench:
    """One tag: its card, its flash and its NVS, over several lives."""

    def __init__(self, micropython: Micropython, firmware: Path, folder: Path) -> None:
        """`firmware` from `compiled`; the tag's own things go into `folder`."""
        self.micropython = micropython
        self.firmware = firmware
        self.folder = folder
        self.keys = rotation.derive_keys(MASTER)
        self.t0 = T0
        (folder / "nvs").mkdir(parents=True, exist_ok=True)
        (folder / "files").mkdir(exist_ok=True)
        self._lives = 0

    def give_card(self, master: bytes = MASTER, number: str = "017", t0: int = T0, **fields: int) -> None:
        """Provision the tag."""
        values = {"moving_ms": 200, "rest_ms": 1000, "company": 0xFFFF, "tx": -21, **fields}
        self.t0 = t0
        self.keys = rotation.derive_keys(master)
        self.card_file.write_bytes(pack(Card(number, master, t0, **values)))

    @property
    def card_file(self) -> Path:
        """The card, in the folder that holds the files of a tag without a chip."""
        return self.folder / "files" / "card.bin"

    def live(self, *, heap: str = HEAP, **settings: Any) -> Life:
        """One life; AssertionError with the interpreter's words if that itself breaks."""
        self._lives += 1
        record = self.folder / f"life{self._lives}.bin"
        settings = {"nvs": str(self.folder / "nvs"), "record": str(record), **settings}
        if settings.get("chip"):
            # The card is written at the first life, by MicroPython's own littlefs.
            chip = self.folder / "chip.bin"
            if not chip.exists():
                settings["card"] = str(self.card_file)
            settings["chip"] = str(chip)
        if settings.get("refusing"):
            settings["refusing"] = str(self.folder / "files")
        told = self.folder / f"life{self._lives}.json"
        told.write_text(json.dumps(settings))
        done = self.micropython.run(
            "-m",
            "life",
            told,
            heap=heap,
            path=[self.firmware, *([DEVICE_POWER] if "power" in settings else [])],
            cwd=self.folder / "files",
        )
        lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
        assert done.returncode == 0, done.stdout
        assert lines, done.stdout
        said = [json.loads(line) for line in lines]
        frames = self.opened(record.read_bytes()) if record.exists() else []
        return Life(said[:-1], frames, said[-1], done.stdout)

    def opened(self, recorded: bytes) -> list[Sent]:
        """The frames of a record, each verified under the card's key; Forged or LookupError for one of another."""
        out = []
        epochs: dict[bytes, int] = {}
        for at in range(0, len(recorded), RECORD):
            second = int.from_bytes(recorded[at : at + 4], "little")
            payload = recorded[at + 15 : at + RECORD]
            heard = frame_of(decode(payload))
            if heard.eid not in epochs:
                epochs[heard.eid] = self._epoch(heard.eid, second)
            epoch = epochs[heard.eid]
            reading = frame.verify(self.keys, epoch, heard.eid, heard.sealed, heard.mac)
            out.append(
                Sent(
                    second,
                    recorded[at + 4 : at + 11],
                    int.from_bytes(recorded[at + 11 : at + 15], "little"),
                    payload,
                    heard.eid,
                    epoch,
                    reading.sub,
                    status.unpack(reading.status),
                )
            )
        return out

    def _epoch(self, eid: bytes, second: int) -> int:
        around = (self.t0 + second) >> rotation.ROTATION_BITS
        for epoch in (near for away in range(2000) for near in (around + away, around - away)):
            if epoch >= 0 and rotation.eid_of(self.keys.eid, epoch << rotation.ROTATION_BITS) == eid:
                return epoch
        raise LookupError(f"identifier {eid.hex()} is not of this tag")

    def wipe_nvs(self) -> None:
        """Lose the NVS partition."""
        shutil.rmtree(self.folder / "nvs")
        (self.folder / "nvs").mkdir()


def repeated(lives: Sequence[Life]) -> list[tuple[int, int]]:
    """The (epoch, slot) pairs that were sent with two different payloads, or in two lives."""
    seen: dict[tuple[int, int], tuple[int, bytes]] = {}
    out = []
    for number, life in enumerate(lives):
        for sent in life.frames:
            key = (sent.epoch, sent.slot)
            if seen.setdefault(key, (number, sent.payload)) != (number, sent.payload):
                out.append(key)
    return out


def linked(frames: Sequence[Sent]) -> list[bytes]:
    """Addresses that were seen with more than one identifier: whoever hears one can follow the tag over a rotation."""
    eids: dict[bytes, set[bytes]] = {}
    for sent in frames:
        eids.setdefault(sent.address, set()).add(sent.eid)
    return [address for address, under in eids.items() if len(under) > 1]
