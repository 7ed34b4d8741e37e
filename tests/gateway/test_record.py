"""Recording: what is replayed from a recording is what was heard, and no stranger's address is in it."""

import asyncio
import math
from dataclasses import astuple
from pathlib import Path

import pytest
from rig import captures as w

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.record import Recorded, RecordError, record
from zonetag_gateway.sightings import Folder
from zonetag_gateway.source import Hear, Moment, Source
from zonetag_gateway.sources.replay import Replay
from zonetag_protocol.frame import TEST_COMPANY

UTC_MS = 1_700_000_000_000
PHONE = bytes.fromhex("02011a03036ffd17166ffd") + bytes(20)


def tag(n: int, slot: int) -> bytes:
    """A frame in form (nobody here has keys)."""
    head = bytes.fromhex("0201060303aafe0d16aafe30eb")
    return head + bytes([n]) * 8 + bytes.fromhex("09ffffff") + bytes([slot, n, 1, 2, 3, 4])


class Scripted:
    """A source that hears what it is told, on a line that begins at some uptime."""

    def __init__(self, adverts: list[tuple[bytes, int, float]], step_at: float = math.inf, step_ms: int = 0) -> None:
        self.adverts = adverts
        self.last = 5000.0
        self.step_at, self.step_ms = step_at, step_ms

    def now(self) -> float:
        return self.last

    def moment(self, at: float) -> Moment:
        step = self.step_ms if at >= self.step_at else 0
        return Moment(UTC_MS + step + int((at - 5000.0) * 1000), int(at * 1000), True)

    async def run(self, hear: Hear) -> None:
        for data, rssi, at in self.adverts:
            self.last = at
            hear(data, rssi, at)
        await asyncio.sleep(0)


def minute() -> list[tuple[bytes, int, float]]:
    heard = []
    for n in range(10):
        heard += [(tag(n, int(i * 0.25) // 4), -50 - n - i % 7, 5000.0 + n / 97 + i * 0.25) for i in range(240)]
    heard += [(PHONE, -80, 5000.0 + i) for i in range(60)]
    return sorted(heard, key=lambda item: item[2])


def written(
    source: Source, path: Path, seconds: float | None = None, only_tags: bool = False, overwrite: bool = False
) -> Recorded:
    async def run() -> Recorded:
        stop = asyncio.Event()
        return await record(
            source, path, company=TEST_COMPANY, stop=stop, seconds=seconds, only_tags=only_tags, overwrite=overwrite
        )

    return asyncio.run(run())


def windows(source: Source) -> list[tuple[object, ...]]:
    """The windows of a source with their UTC, as a report would tell them."""
    folder = Folder()
    closed = []

    def hear(data: bytes, rssi: int, at: float, /) -> None:
        folder.hear(data, rssi, at)
        closed.extend(folder.close(at))

    asyncio.run(source.run(hear))
    closed += folder.flush()
    return [
        (*astuple(c)[:3], source.moment(c.first).utc_ms, source.moment(c.last).utc_ms, *astuple(c)[5:]) for c in closed
    ]


def test_a_recording_replays_to_the_same_windows(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    assert written(Scripted(minute()), path) == Recorded(2460, 0, 0)
    again = windows(Replay((path,), math.inf, SystemClock()))
    assert len(again) > 100
    # A recording counts its microseconds from a whole millisecond: a time may fall on the other side of one.
    for before, after in zip(windows(Scripted(minute())), again, strict=True):
        assert before[:3] + before[5:] == after[:3] + after[5:]
        assert all(abs(before[i] - after[i]) <= 1 for i in (3, 4))  # type: ignore[operator]  # two ints of a row


def test_a_recording_of_a_recording_is_the_same_file(tmp_path: Path) -> None:
    written(Scripted(minute()), tmp_path / "one")
    written(Replay((tmp_path / "one",), math.inf, SystemClock()), tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_no_address_of_a_stranger_is_stored(tmp_path: Path) -> None:
    heard = tmp_path / "heard"
    heard.write_bytes(w.btsnoop(1002, [(UTC_MS * 1000, 3, b"\x04" + w.le_report(PHONE, -60))]))
    assert bytes([1, 2, 3, 4, 5, 6]) in heard.read_bytes()
    written(Replay((heard,), math.inf, SystemClock()), tmp_path / "recording")
    content = (tmp_path / "recording").read_bytes()
    assert PHONE in content
    assert bytes([1, 2, 3, 4, 5, 6]) not in content


def test_only_tags(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    assert written(Scripted(minute()), path, only_tags=True) == Recorded(2400, 60, 0)
    assert PHONE not in path.read_bytes()


def test_a_part_of_the_source(tmp_path: Path) -> None:
    assert written(Scripted(minute()), tmp_path / "recording", seconds=10).adverts == pytest.approx(410, abs=2)


def test_an_advert_too_long_for_a_report_is_counted(tmp_path: Path) -> None:
    assert written(Scripted([(bytes(230), -60, 5000.0)]), tmp_path / "r") == Recorded(0, 0, 1)


def test_a_clock_that_is_set_while_recording_is_followed(tmp_path: Path) -> None:
    path = tmp_path / "recording"
    hour = 3_600_000
    written(Scripted([(PHONE, -60, 5000.0), (PHONE, -60, 5010.0)], step_at=5005, step_ms=hour), path)
    source = Replay((path,), math.inf, SystemClock())
    at: list[float] = []
    asyncio.run(source.run(lambda _data, _rssi, when: at.append(when)))
    assert at == [0.0, 10.0 + hour / 1000]


def test_a_file_that_exists_is_not_lost(tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("do not touch")
    with pytest.raises(RecordError) as error:
        written(Scripted([]), path)
    assert error.value.to_do
    assert path.read_text() == "do not touch"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecordError):
        written(Scripted([]), tmp_path / "none" / "file")


class Deaf(Scripted):
    """A source that cannot be opened."""

    async def run(self, hear: Hear) -> None:
        raise SourceError("there is no adapter", "Plug one in")


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_source_that_cannot_be_opened_leaves_the_file_as_it_was(tmp_path: Path, overwrite: bool) -> None:
    path = tmp_path / "precious"
    if overwrite:
        path.write_text("do not touch")
    with pytest.raises(SourceError):
        written(Deaf([]), path, overwrite=overwrite)
    assert path.exists() is overwrite
    assert not overwrite or path.read_text() == "do not touch"


def test_overwriting_leaves_nothing_of_what_was_there(tmp_path: Path) -> None:
    written(Scripted(minute()), tmp_path / "fresh")
    (tmp_path / "old").write_bytes(bytes(1_000_000))
    written(Scripted(minute()), tmp_path / "old", overwrite=True)
    assert (tmp_path / "old").read_bytes() == (tmp_path / "fresh").read_bytes()
    written(Scripted([]), tmp_path / "old", overwrite=True)
    assert len((tmp_path / "old").read_bytes()) == 16  # a capture's head alone
