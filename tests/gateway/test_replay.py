"""Replay: the capture's own times, several files, steps of its clock, broken files, speed."""

import asyncio
import math
from pathlib import Path

import pytest
from rig import captures as w

from zonetag_gateway.captures import NotACapture
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Moment
from zonetag_gateway.sources.replay import MAX_WAIT_S, Replay

T = 1_700_000_000_000_000
S = 1_000_000
AD = bytes.fromhex("020106")


class Clock:
    """A clock that stands still unless told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> Moment:
        return Moment(0, 0, False)

    def monotonic(self) -> float:
        return self.seconds


def file(folder: Path, name: str, times: list[int], cut: int = 0) -> Path:
    path = folder / name
    content = w.btsnoop(
        1002, [(t, 3, b"\x04" + w.le_report(AD + bytes([2, 0x0A, n]), -60)) for n, t in enumerate(times)]
    )
    path.write_bytes(content[: len(content) - cut])
    return path


def play(source: Replay) -> tuple[list[float], list[int]]:
    """When each advert was heard on the line, and what UTC (ms) the source called that."""
    at: list[float] = []
    utc: list[int] = []

    def hear(_data: bytes, _rssi: int, when: float, /) -> None:
        at.append(when)
        utc.append(source.moment(when).utc_ms)
        assert source.now() == when

    asyncio.run(source.run(hear))
    return at, utc


def replay(*files: Path, speed: float = math.inf, clock: Clock | None = None) -> Replay:
    return Replay(files, speed, clock or Clock())


def test_the_times_of_the_capture_are_kept(tmp_path: Path) -> None:
    at, utc = play(replay(file(tmp_path, "a", [T, T + S // 2, T + 3 * S])))
    assert at == [0.0, 0.5, 3.0]
    assert utc == [T // 1000, T // 1000 + 500, T // 1000 + 3000]


def test_files_follow_one_another(tmp_path: Path) -> None:
    files = file(tmp_path, "a", [T, T + S]), file(tmp_path, "b", [T + 100 * S])
    at, utc = play(replay(*files))
    assert at == [0.0, 1.0, 100.0]
    assert utc[-1] == T // 1000 + 100_000


@pytest.mark.parametrize("back", [3 * S, 3600 * S, 1_700_000_000 * S])
def test_a_clock_set_back_does_not_take_the_line_back(tmp_path: Path, back: int) -> None:
    source = replay(file(tmp_path, "a", [T, T + 10 * S, T + 10 * S - back, T + 11 * S - back]))
    at, utc = play(source)
    assert at == [0.0, 10.0, 10.0, 11.0]
    assert utc == [T // 1000 + ms for ms in (0, 10_000, 10_000, 11_000)]
    assert source.counts["steps_back"] == 1
    assert not source.moment(11.0).synchronised


def test_packets_out_of_order_by_a_moment_are_no_step(tmp_path: Path) -> None:
    source = replay(file(tmp_path, "a", [T, T + S, T + S - 1000, T + 2 * S]))
    assert play(source)[0] == [0.0, 1.0, 1.0, 2.0]
    assert "steps_back" not in source.counts
    assert source.moment(2.0).synchronised


def test_what_is_whole_of_a_broken_file_is_played_and_the_next_one_too(tmp_path: Path) -> None:
    source = replay(file(tmp_path, "a", [T, T + S], cut=1), file(tmp_path, "b", [T + 2 * S]))
    assert play(source)[0] == [0.0, 2.0]
    [fault] = source.faults
    assert fault.to_do


def test_what_is_no_capture_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("this is no capture")
    with pytest.raises(NotACapture):
        play(replay(path))


@pytest.mark.parametrize("speed", [0.0, -1.0, math.nan])
def test_an_impossible_speed(tmp_path: Path, speed: float) -> None:
    with pytest.raises(SourceError):
        replay(tmp_path, speed=speed)


@pytest.mark.parametrize(("speed", "waited"), [(1.0, [1.0, 2.0]), (4.0, [0.25, 0.5]), (math.inf, [])])
def test_pace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, speed: float, waited: list[float]) -> None:
    clock = Clock()
    assert waits(tmp_path, monkeypatch, clock, [T, T + S, T + 3 * S], speed) == waited


def test_a_night_without_adverts_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = [T, T + 8 * 3600 * S, T + 8 * 3600 * S + S]
    assert waits(tmp_path, monkeypatch, Clock(), night, 1.0) == [MAX_WAIT_S, 1.0]


def waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: Clock, times: list[int], speed: float) -> list[float]:
    """How long the source sleeps, by a clock that moves only so."""
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        if seconds > 0:
            slept.append(seconds)
            clock.seconds += seconds

    # asyncio's timers are the one clock that code may use without being given it, so there is no seam for them.
    monkeypatch.setattr("zonetag_gateway.sources.replay.asyncio.sleep", sleep)
    play(replay(file(tmp_path, "a", times), speed=speed, clock=clock))
    return slept
