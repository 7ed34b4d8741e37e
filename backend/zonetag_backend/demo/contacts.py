"""Who was found to have been near whom, beside who really was: day by day, pair by pair.

A true contact: two people were within NEAR_M of each other in one room for the profile's minutes in a day, as far as
the log of either has come home.  A found one: tracing lists the pair for that day by direct evidence, from the
profile's probability on.  A found pair that was together for half of that, or for all of it within ALMOST_M, is called
near the mark; any other is invented.  The same is told of those with a probability of LIKELY at least.
"""

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC

from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.nearness import meetings
from zonetag_backend.simulate.office import Office
from zonetag_backend.store import counting
from zonetag_backend.store.engine import Database, reading
from zonetag_backend.store.tracing import Asker
from zonetag_backend.tracing.days import Days
from zonetag_backend.tracing.encounter import DIRECT
from zonetag_backend.tracing.exposure import exposures
from zonetag_backend.tracing.profile import DEFAULT, PROFILES

NEAR_M = 1.5
ALMOST_M = 2.5
LIKELY = 0.8
_MINUTE_S = 60.0
Pair = tuple[int, int]


@dataclass(slots=True)
class Score:
    """Contacts of some days; each pair counts once a day."""

    true: int = 0
    found: int = 0
    # of the true ones
    missed: int = 0
    almost: int = 0
    # found, and near the mark
    invented: int = 0

    def add(self, met: set[Pair], almost: set[Pair], listed: set[Pair]) -> None:
        """A day: who met, who nearly did, and who is listed."""
        self.true += len(met)
        self.found += len(met & listed)
        self.missed += len(met - listed)
        self.almost += len(listed & almost - met)
        self.invented += len(listed - almost - met)

    def told(self) -> dict[str, int | float]:
        """With recall and precision, where there is anything to divide by."""
        listed = self.found + self.almost + self.invented
        return asdict(self) | {
            "recall": round(self.found / self.true, 3) if self.true else 1.0,
            "precision": round(self.found / listed, 3) if listed else 1.0,
        }


def minutes(day: Day, until_s: list[float], reach_m: float) -> dict[Pair, float]:
    """For how long each two people were near each other, as far as `until_s` of either, seconds of the day."""
    out: dict[Pair, float] = defaultdict(float)
    for met in meetings(day.tracks, day.length_s, reach_m):
        end_s = min(met.to_s, max(until_s[met.one], until_s[met.other]))
        if end_s > met.from_s:
            out[met.one, met.other] += (end_s - met.from_s) / _MINUTE_S
    return out


def score(
    engine: Database, office: Office, logs: list[ContactLog], days: list[Day], start_ms: int
) -> tuple[Score, Score]:
    """All `days` together, of all that are listed and of the likely; `start_ms`: UTC of the office's second 0."""
    profile = PROFILES[DEFAULT]
    codes = {each.code: number for number, each in enumerate(office.people)}
    listed, likely = Score(), Score()
    with reading(engine) as connection:
        numbers = {who: codes[code] for who, code in counting.staff(connection).items() if code in codes}
        for day in days:
            until = [log.home_s(day.since_s + day.length_s) - day.since_s for log in logs]
            near, about = minutes(day, until, NEAR_M), minutes(day, until, ALMOST_M)
            met = {pair for pair, length in near.items() if length >= profile.minutes}
            low = start_ms + round(day.since_s * 1000)
            window = (low, low + round(day.length_s * 1000))
            told = Asker(connection, 0, evidence=(DIRECT,))(dict.fromkeys(numbers, window))
            pairs: dict[Pair, float] = {}
            for each in exposures(told, profile, Days(UTC), window):
                one, other = sorted((numbers[each.asked], numbers[each.other]))
                pairs[one, other] = max(each.probability, pairs.get((one, other), 0.0))
            almost = {pair for pair, length in near.items() if length >= profile.minutes / 2}
            almost |= {pair for pair, length in about.items() if length >= profile.minutes}
            listed.add(met, almost, set(pairs))
            likely.add(met, almost, {pair for pair, probability in pairs.items() if probability >= LIKELY})
    return listed, likely
