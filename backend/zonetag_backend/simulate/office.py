"""The simulated office as a whole: (plan, seed, time) -> what each gateway hears, and the truth."""

import numpy as np

from zonetag_backend.simulate import rhythm, schedule, tag, truth
from zonetag_backend.simulate.attackers import attackers
from zonetag_backend.simulate.background import background
from zonetag_backend.simulate.collisions import airtimes_s, collided
from zonetag_backend.simulate.dice import Flags, Floats, Ints, dice
from zonetag_backend.simulate.emitter import Emitter, Heard, Sent
from zonetag_backend.simulate.people import Person, people
from zonetag_backend.simulate.plan import Plan, desks, small_office
from zonetag_backend.simulate.radio import PACKET_SIGMA_DB, SENSITIVITY_DBM, Link, links
from zonetag_backend.simulate.tag import MOVING_MS, REST_MS, Tag
from zonetag_backend.simulate.track import Track
from zonetag_backend.simulate.walker import Walker
from zonetag_protocol import frame

STEP_S = 4.0  # the stretch computed at once; collisions across its two borders (1 in 10,000) are not looked for
_FLOOR_DB = 6.0  # an advert so far below the sensitivity still spoils another
_RSSI = (-127, 20)  # what a controller can report


class Office:
    """People, tags and the air from second 0 to `length_s`."""

    def __init__(
        self,
        seed: int,
        length_s: float,
        count: int = 40,
        plan: Plan | None = None,
        *,
        days: int = 0,
        seated: bool = False,
    ) -> None:
        """`days`: so many earlier than else its tags were flashed, for one that has a past (`day`).

        `seated`: people sit at desks, face to face, as long as there are enough; else anywhere in the room.
        """
        self._seated = seated
        self.seed = seed
        self.length_s = length_s
        self.plan = plan or small_office()
        self.people: list[Person] = people(seed, count)
        self.tags: list[Tag] = [tag.make(seed, i, f"A-{i + 1:03d}", days) for i in range(count)]
        # tags[i] is worn by people[i]
        self.tracks: list[Track] = self._tracks(seed)
        self.absence_s = schedule.absence_of(length_s)
        self._links: list[Link] = links(self.plan, seed)
        worn = [self._worn(i) for i in range(count)]
        others = [*background(seed, self.tracks, length_s), *attackers(seed, self.tags, length_s)]
        self._emitters: list[Emitter] = [*worn, *others]

    def day(self, number: int, length_s: float) -> list[Track]:
        """The ways of the same people, to the same desks, on another day: `number` 1, 2, ..."""
        today = int(dice(self.seed, "day", number).integers(1 << 31))
        return self._tracks(today, length_s)

    def adverts_of(self, index: int) -> Floats:
        """When the tag of person `index` advertises."""
        return self._emitters[index].times

    @property
    def steps(self) -> int:
        """How many stretches of STEP_S there are."""
        return int(np.ceil(self.length_s / STEP_S))

    def visits(self) -> list[truth.TrueVisit]:
        """Who was inside when."""
        return truth.visits(self.tracks, self.length_s)

    def hear(self, step: int) -> dict[str, list[Heard]]:
        """What each gateway hears in [step * STEP_S, (step + 1) * STEP_S), in the order of time."""
        who, sent = self._sent(step * STEP_S)
        airtimes = airtimes_s(np.array([e.length for e in self._emitters])[who])
        adverts: dict[int, bytes] = {}
        out = {}
        for index, link in enumerate(self._links):
            noise = dice(self.seed, "packet", index, step).normal(0, PACKET_SIGMA_DB, len(who))
            level = link.rssi(sent) + noise
            audible = np.flatnonzero(level >= SENSITIVITY_DBM - _FLOOR_DB)
            clear = audible[~collided(sent.times[audible], airtimes[audible])]
            good = clear[level[clear] >= SENSITIVITY_DBM]
            rssi = np.clip(np.rint(level[good]), *_RSSI).astype(int)
            heard = []
            for event, dbm in zip(good.tolist(), rssi.tolist(), strict=True):
                at = float(sent.times[event])
                data = adverts.get(event)
                if data is None:
                    data = adverts[event] = self._emitters[who[event]].advert(at)
                heard.append(Heard(at, dbm, data))
            out[link.receiver.name] = heard
        return out

    def _sent(self, start: float) -> tuple[Ints, Sent]:
        """What is sent in a stretch, and the number of the emitter of each advert."""
        parts = [e.times[_span(e.times, start, start + STEP_S)] for e in self._emitters]
        times: Floats = np.concatenate(parts)
        order = np.argsort(times, kind="stable")
        who: Ints = np.repeat(np.arange(len(parts)), [len(p) for p in parts])[order]
        places = [e.track.at(p) for e, p in zip(self._emitters, parts, strict=True)]
        x, y, heading = (np.concatenate([place[i] for place in places])[order] for i in range(3))
        power = np.array([e.power_db for e in self._emitters])[who]
        body: Flags = np.array([e.worn for e in self._emitters])[who]
        return who, Sent(times[order], x, y, heading, power, body)

    def _tracks(self, today: int, length_s: float | None = None) -> list[Track]:
        """`today`: the seed of what differs from day to day."""
        count, length = len(self.people), self.length_s if length_s is None else length_s
        meetings = schedule.meetings(today, count, length)
        room = desks(self.plan.room(self.plan.desks)) if self._seated else []
        # Who sits where is drawn among as few desks as there are people.
        drawn = dice(self.seed, "desks").permutation(count)
        seats = [room[i] for i in drawn] if count <= len(room) else [None] * count
        return [
            Walker(self.plan, self.seed, i, today, seats[i]).track(
                schedule.stays(today, i, length), [m for m in meetings if i in m.who], length
            )
            for i in range(count)
        ]

    def _worn(self, index: int) -> Emitter:
        roll = dice(self.seed, "rhythm", index)
        track = self.tracks[index]
        times = rhythm.of_walker(roll, track.walks, MOVING_MS / 1000, REST_MS / 1000, self.length_s)
        return Emitter(track, times, self.tags[index].advert, frame.LENGTH, 0.0, worn=True)


def _span(times: Floats, start: float, end: float) -> slice:
    return slice(int(np.searchsorted(times, start)), int(np.searchsorted(times, end)))
