"""A simulated tag's end of the link: one session, message by message, as the firmware answers (SPEC.md section 12)."""

from collections.abc import Callable

from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.tag import FIRST_SECOND, Tag
from zonetag_protocol import link
from zonetag_protocol import linkmessage as say
from zonetag_protocol.link import Message
from zonetag_protocol.rotation import derive_keys, epoch_of

VERSION = (0, 1, 0)  # of the firmware that it says it has


class TagEnd:
    """One session with one tag."""

    def __init__(
        self, tag: Tag, log: ContactLog, now_s: Callable[[], float], utc_ms: Callable[[], int], nt: bytes
    ) -> None:
        """`now_s`: the office's second, by which its clock goes; `utc_ms`: the same in UTC; `nt`: 8 random bytes."""
        self._tag = tag
        self._log = log
        self._now_s = now_s
        self._utc_ms = utc_ms
        self._end = link.tag_end(derive_keys(tag.master).link, epoch_of(int(tag.clock(now_s()))), nt)
        self.over = False
        # it hangs up

    def take(self, message: bytes) -> list[bytes]:
        """What it says to a whole message of the backend; Malformed or Forged: it hangs up."""
        got = self._end.receive(message)
        if got is None:
            return [self._end.answer(), self._end.seal(say.STATUS, self._status())]
        if got.type == say.BYE:
            self.over = True
            return []
        if got.type == say.FETCH:
            return [self._end.seal(say.CONTACTS, body) for body in self._chunks(*say.unpack_fetch(got.body))]
        return [self._end.seal(say.DONE, self._done(got))]

    def _status(self) -> bytes:
        now_s = self._now_s()
        t = int(self._tag.clock(now_s))
        told = say.Status(
            t,
            t - FIRST_SECOND,
            max(0, min(1000, round(self._tag.battery * 125))),
            VERSION,
            say.CONFIRMED,
            self._log.name,
            self._log.first,
            self._log.next(now_s),
            self._utc_ms() // 1000,
            say.settings_check({}),
            0,
            [0] * 11,
        )
        return say.pack_status(told)

    def _chunks(self, number: int, most: int) -> list[bytes]:
        now_s = self._now_s()
        chunks = []
        while most:
            first, records = self._log.read(number, min(most, say.CHUNK), now_s)
            chunks.append(say.pack_contacts(first, records))
            if not records:
                break
            number, most = first + len(records), most - len(records)
        return chunks

    def _done(self, asked: Message) -> bytes:
        code, value = say.OK, 0
        if asked.type == say.ACKNOWLEDGE:
            log, through = say.unpack_acknowledge(asked.body)
            if log != self._log.name:
                code = say.NOT_NOW
            elif through >= self._log.next(self._now_s()):
                code = say.OUT_OF_RANGE
            else:
                self._log.acknowledge(through)
            value = self._log.first
        elif asked.type == say.SET_TIME:
            value = int(self._tag.clock(self._now_s()))
        elif asked.type not in (say.SETTINGS, say.FIND_ME):
            code = say.UNKNOWN_COMMAND  # no simulated tag takes a firmware
        return say.pack_done(asked.type, code, value)
