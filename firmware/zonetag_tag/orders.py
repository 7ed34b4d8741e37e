"""What the backend may ask of a tag over the link, and what the tag tells of itself (SPEC.md sections 12.4 to 12.7)."""

from zonetag_protocol import linkmessage as say
from zonetag_protocol.errors import Malformed
from zonetag_protocol.link import Message
from zonetag_tag import faults
from zonetag_tag.clock import Clock
from zonetag_tag.health import Health
from zonetag_tag.log import Log
from zonetag_tag.senses import Senses
from zonetag_tag.settings import Settings
from zonetag_tag.update import Update

FARTHEST_S = 7 * 86400  # forward, at one time
PIECE = 10  # records of one message: leaves the heap whole


class Orders:
    """Carries out commands."""

    def __init__(
        self,
        *,
        clock: Clock,
        log: Log,
        settings: Settings,
        senses: Senses,
        health: Health,
        update: Update,
        version: tuple[int, int, int],
    ) -> None:
        self._clock = clock
        self._log = log
        self._settings = settings
        self._senses = senses
        self._health = health
        self._update = update
        self._version = version
        self._started = clock.t
        self._utc_offset: int | None = None  # UTC minus t, s
        self._fetch = (0, 0)  # next number, how many are left
        self._table = {
            say.FETCH: self._do_fetch,
            say.ACKNOWLEDGE: self._acknowledge,
            say.SET_TIME: self._set_time,
            say.SETTINGS: self._set,
            say.FIND_ME: self._find_me,
            say.UPDATE_BEGIN: self._update_begin,
            say.UPDATE_PART: self._update_part,
            say.UPDATE_END: self._update_end,
            say.UPDATE_KEEP: self._update_keep,
        }

    def connectable_every(self) -> int:
        """A connectable slot in each group of so many; 0 for none."""
        return self._settings.get(say.CONNECTABLE)

    def status(self) -> bytes:
        """The body of a status; a new session begins with it, so no fetch is under way."""
        self._fetch = (0, 0)
        left = self._senses.left
        flags = (
            (say.CONFIRMED if self._clock.synchronised else 0)
            | (say.TRIAL if self._update.on_trial else 0)
            | (say.ROLLED_BACK if self._update.rolled_back else 0)
            | (say.LOG_FAILED if self._log.failed else 0)
            | (say.LOW_BATTERY if self._senses.low else 0)
        )
        return say.pack_status(
            say.Status(
                self._clock.t,
                self._clock.t - self._started,
                say.BATTERY_UNKNOWN if left is None else left,
                self._version,
                flags,
                self._log.log,
                self._log.first,
                self._log.next,
                0 if self._utc_offset is None else self._clock.t + self._utc_offset,
                say.settings_check(self._settings.told),
                self._update.received,
                [self._health.counters.counts[code] for code in faults.COUNTED],
            )
        )

    def carry_out(self, message: Message) -> bytes | None:
        """Do what is asked; the body of `done`, or None where there is none."""
        act = self._table.get(message.type)
        code, value = say.UNKNOWN_COMMAND, 0
        if act is not None:
            try:
                code, value = act(message.body)
            except Malformed:
                code = say.UNKNOWN_COMMAND
        if message.type == say.FETCH and code == say.OK:
            return None
        return say.pack_done(message.type, code, value)

    def next_chunk(self) -> bytes | None:
        """The body of the next `contacts` of a fetch that is under way."""
        number, left = self._fetch
        if left == 0:
            return None
        first, found = self._log.read(number, min(left, PIECE))
        if not found:
            self._fetch = (0, 0)
            return say.pack_contacts(self._log.next, [])
        self._fetch = (first + len(found), left - len(found))
        return say.pack_contacts(first, found)

    def _do_fetch(self, body: bytes) -> tuple[int, int]:
        number, most = say.unpack_fetch(body)
        if most == 0:
            return say.OUT_OF_RANGE, 0
        self._fetch = (number, most)
        return say.OK, 0

    def _acknowledge(self, body: bytes) -> tuple[int, int]:
        log, through = say.unpack_acknowledge(body)
        if log != self._log.log:
            return say.NOT_NOW, self._log.first
        if through >= self._log.next:
            return say.OUT_OF_RANGE, self._log.first
        done = self._log.acknowledge(through)
        return say.OK if done else say.FLASH, self._log.first

    def _set_time(self, body: bytes) -> tuple[int, int]:
        t, utc_s = say.unpack_time(body)
        if t > self._clock.t + FARTHEST_S:
            return say.OUT_OF_RANGE, self._clock.t
        before = self._clock.t
        self._clock.confirm(t)
        self._started += self._clock.t - before  # going forward is no uptime
        self._utc_offset = utc_s - self._clock.t
        return say.OK, self._clock.t

    def _set(self, body: bytes) -> tuple[int, int]:
        values = say.unpack_settings(body)
        if values is None:
            return say.OUT_OF_RANGE, 0
        return say.OK if self._settings.take(values) else say.FLASH, 0

    def _find_me(self, body: bytes) -> tuple[int, int]:
        seconds = say.unpack_find_me(body)
        if seconds > say.FIND_ME_S:
            return say.OUT_OF_RANGE, 0
        self._senses.found_until = self._clock.t + seconds
        return say.OK, 0

    def _update_begin(self, body: bytes) -> tuple[int, int]:
        size, digest, version = say.unpack_begin(body)
        return self._update.begin(size, digest, version), self._update.received

    def _update_part(self, body: bytes) -> tuple[int, int]:
        offset, data = say.unpack_part(body)
        return self._update.part(offset, data), self._update.received

    def _update_end(self, body: bytes) -> tuple[int, int]:
        return (say.UNKNOWN_COMMAND if body else self._update.end(self._clock.t)), 0

    def _update_keep(self, body: bytes) -> tuple[int, int]:
        return (say.UNKNOWN_COMMAND if body else self._update.keep()), 0
