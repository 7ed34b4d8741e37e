"""A simulated tag: the real frames of zonetag_protocol, on a clock that is a little wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field

from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.sealer import Sealer
from zonetag_protocol import rotation, status
from zonetag_protocol.crypto import KEY

MAX_DRIFT_PPM = 30.0  # a crystal's, with its temperature
MOVING_MS = 250  # advertising intervals
REST_MS = 1000
FIRST_SECOND = 1 << 16  # where the clock of a newly flashed tag stands
_BATTERY_S = 8 * 86_400.0  # an eighth of its battery lasts so long


@dataclass(slots=True)
class Tag:
    """One tag.  `t0_s + at * (1 + drift)` is its clock, in seconds, at office second `at`."""

    number: str
    # printed on it
    master: bytes
    # 16 bytes
    t0_s: float
    # its clock when the office's time begins
    drift_ppm: float
    # fast when positive
    battery: float
    # eighths when the office's time begins, 0 to 7
    believed_t0_s: float
    # what the registry thinks of t0_s: wrong by the drift since it was flashed
    waiting: Callable[[float], bool] | None = None
    # whether its contact log waits to be fetched, at an office second; none: it keeps no log
    _sealer: Sealer | None = None
    _last: tuple[int, bytes] = field(default=(-1, b""))

    def clock(self, at: float) -> float:
        """The tag's own time at office second `at`."""
        return self.t0_s + at * (1 + self.drift_ppm * 1e-6)

    def advert(self, at: float) -> bytes:
        """The 31 bytes that it sends at office second `at`."""
        t = int(self.clock(at))
        slot = t >> rotation.SLOT_BITS
        last, data = self._last
        if slot != last:
            if self._sealer is None:
                self._sealer = Sealer(self.master)
            battery = max(0, min(7, int(self.battery - at / _BATTERY_S)))
            waiting = self.waiting is not None and self.waiting(at)
            data = self._sealer.seal(t, status.pack(battery, log_waiting=waiting))
            self._last = slot, data
        return data


def make(seed: int, index: int, number: str, days: int = 0) -> Tag:
    """Tag `index` of an office: key, clock and battery drawn from the seed; it was flashed `days` earlier than else."""
    roll = dice(seed, "tag", index)
    drift_ppm = float(roll.uniform(-MAX_DRIFT_PPM, MAX_DRIFT_PPM))
    age_s = (float(roll.uniform(1, 30)) + days) * 86_400  # flashed between a day and a month ago
    t0_s = FIRST_SECOND + age_s
    return Tag(
        number,
        roll.bytes(KEY),
        t0_s=t0_s,
        drift_ppm=drift_ppm,
        battery=float(roll.uniform(2, 7.99)),
        believed_t0_s=t0_s - age_s * drift_ppm * 1e-6,
    )
