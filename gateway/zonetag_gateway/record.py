"""`zonetag-gateway record`: adverts into a btsnoop file that this program, btmon and Wireshark read.

What is stored of an advert: its AD bytes as they were heard, its RSSI, its time.  No radio address: the field holds
zeros, so that no stranger's address is kept.  The AD bytes of a stranger's device may name it all the same (a phone's
rolling identifier, a headset's name); with `only_tags` nothing but the fleet's own tags is stored.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from zonetag_gateway.captures import btsnoop, hci
from zonetag_gateway.errors import GatewayError, SourceError
from zonetag_gateway.listening import listen
from zonetag_gateway.source import Source
from zonetag_protocol import advert

LONGEST = 229  # bytes of AD in one advertising report
DRIFT_US = 50_000  # the clock was set by more than this: go on from what it says now
CHECK_S = 1.0  # how often UTC is looked at: the source's line tells the time in between, to the microsecond


class RecordError(GatewayError):
    """The file cannot be made or written."""

    code = "record"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording holds."""

    adverts: int
    # written
    left_out: int
    # not the fleet's tags, with `only_tags`
    too_long: int
    # longer than a report can hold


class Recorder:
    """Writes each advert it hears."""

    def __init__(
        self, source: Source, make_writer: Callable[[], btsnoop.Writer], company: int, only_tags: bool
    ) -> None:
        """`source` tells the times; `make_writer` is called once, for the first advert; `company` is the fleet's."""
        self._source = source
        self._make_writer = make_writer
        self._writer: btsnoop.Writer | None = None
        self._only_tags = only_tags
        self._base: tuple[float, int] | None = None  # a point of the source's line, and its UTC in microseconds
        self._checked = 0.0  # when the base was last compared with the clock, on the source's line
        self.adverts = self.left_out = self.too_long = 0

        @lru_cache(maxsize=4096)
        def is_ours(data: bytes) -> bool:
            return bool(advert.explain(data, company).kind == advert.ZONETAG)

        self._is_ours = is_ours

    def hear(self, data: bytes, rssi: int, at: float, /) -> None:
        """Write one advert; OSError when the disk refuses."""
        if self._only_tags and not self._is_ours(data):
            self.left_out += 1
        elif len(data) > LONGEST:
            self.too_long += 1
        else:
            self.begin().write(self._utc_us(at), hci.report(data, rssi))
            self.adverts += 1

    @property
    def begun(self) -> bool:
        """Whether anything was written."""
        return self._writer is not None

    def begin(self) -> btsnoop.Writer:
        """The writer, made if it is not there yet."""
        if self._writer is None:
            self._writer = self._make_writer()
        return self._writer

    def _utc_us(self, at: float) -> int:
        if self._base is None or not 0 <= at - self._checked < CHECK_S:
            self._checked = at
            says = self._source.moment(at).utc_ms * 1000
            if self._base is None or abs(says - self._reckoned(self._base, at)) > DRIFT_US:
                self._base = at, says
        return self._reckoned(self._base, at)

    @staticmethod
    def _reckoned(base: tuple[float, int], at: float) -> int:
        return base[1] + round((at - base[0]) * 1e6)


async def record(
    source: Source,
    path: Path,
    *,
    company: int,
    stop: asyncio.Event,
    seconds: float | None = None,
    only_tags: bool = False,
    overwrite: bool = False,
) -> Recorded:
    """Record `source` into `path` until its end, `seconds` of its line, or `stop`; RecordError, SourceError.

    A source that fails before its first advert leaves `path` as it was.
    """
    try:
        # Opened at once, so that a disk that refuses is told at once; what was there goes with the first advert.
        with path.open("ab" if overwrite else "xb") as file:

            def begin() -> btsnoop.Writer:
                if path.stat().st_size:
                    file.truncate(0)
                return btsnoop.Writer(file)

            recorder = Recorder(source, begin, company, only_tags)
            try:
                await listen(source, recorder.hear, seconds, stop)
            except SourceError:
                if not overwrite and not recorder.begun:
                    os.unlink(path)
                raise
            recorder.begin()
    except FileExistsError as error:
        raise RecordError(f"{path} exists already", "Name another file, or add --overwrite") from error
    except OSError as error:
        raise RecordError(f"{path} cannot be written: {error.strerror}", "Check the folder and the disk") from error
    return Recorded(recorder.adverts, recorder.left_out, recorder.too_long)
