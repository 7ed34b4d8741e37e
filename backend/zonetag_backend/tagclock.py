"""What a tag's frames say of its clock, and whether one is of the moment at which it was heard.  Pure.

A frame of the slot that begins at second s of the tag's clock, heard at UTC c, says: the offset (UTC minus tag clock)
lies in (c - s - 4 s, c - s].  A window heard from `first` to `last` says it of both: (last - s - 4 s, first - s].
The estimate moves to the nearest edge of what a frame says, and no further: each honest frame's interval holds the
true offset, so the estimate only ever comes nearer to it.  A badge says the same of its epoch of 1024 s.

| state | fits | does not fit, slot ahead of all before | does not fit, slot behind |
|---|---|---|---|
| NEW: never heard | | LOW: its first frame sets the offset, good | the same |
| LOW: trusted little | good; SURE after CONFIRMING slots | stale; LOW, good after JUMPING slots of one offset | stale |
| SURE | good | as in LOW | stale |

A jump ahead is what a change of battery looks like; the replay of a recorded frame looks so too, but only once: it has
to go on with slot after slot while the true clock is silent.
"""

from typing import NamedTuple

from zonetag_protocol.rotation import EPOCH_S, SLOT_BITS, SLOT_S

SLOT_MS = SLOT_S * 1000
EPOCH_MS = EPOCH_S * 1000
DRIFT_PPM = 150  # Eddystone's bound on a beacon's clock: 13 s a day
UNCERTAIN_MS = 500  # a gateway that calls its clock synchronised, and a tag's timer that comes late
UNSYNCHRONISED_MS = 30_000  # a gateway that does not
CONFIRMING = 3  # slots that fit until a new offset is sure
JUMPING = 3  # slots in a row that say the same new offset until it is taken


class Jump(NamedTuple):
    """An offset that a tag seems to have jumped to."""

    offset_ms: int
    slot: int
    # the last slot that said so
    at_ms: int
    # when that was heard
    streak: int
    # how many slots in a row


class Track(NamedTuple):  # a tuple, not a dataclass: one is made for every window
    """What is known of one tag's clock; the first six as in table `tag_clock`."""

    offset_ms: int
    offset_at_ms: int
    # UTC of the last frame that confirmed it
    confirmed: bool
    slot: int
    # the last good one on the tag's clock
    status: int
    # the last status byte; -1 for a badge or none yet
    heard_ms: int
    # UTC of the last hearing; 0 for never
    streak: int = 0
    # new slots that fitted since the offset was set
    jump: Jump | None = None


class Heard(NamedTuple):
    """One verified window, as far as clocks care."""

    start_ms: int
    # when what was heard begins on the tag's clock, and
    length_ms: int
    # how long that lasts: SLOT_MS, or EPOCH_MS for a badge
    first_ms: int
    last_ms: int
    # UTC of its hearing, by the gateway's clock
    status: int
    synchronised: bool
    # the gateway's clock

    @property
    def slot(self) -> int:
        """Number of the slot on the tag's clock; for a badge the first one of its epoch."""
        return self.start_ms // 1000 >> SLOT_BITS


def tolerance_ms(track: Track, heard: Heard) -> int:
    """How far the estimate may lie outside what a frame says: half its length, drift, and the gateway's clock."""
    since = abs(heard.first_ms - track.offset_at_ms)
    clock = UNCERTAIN_MS if heard.synchronised else UNSYNCHRONISED_MS
    return heard.length_ms // 2 + since * DRIFT_PPM // 1_000_000 + clock


def judge(track: Track, heard: Heard) -> tuple[Track, bool]:
    """The clock after a frame, and whether the frame is fresh."""
    high = heard.first_ms - heard.start_ms
    low = heard.last_ms - heard.start_ms - heard.length_ms
    slot = heard.slot
    if not track.heard_ms:
        return _begin(_middle(low, high), heard, slot), True
    offset = track.offset_ms
    if max(low - offset, offset - high) <= tolerance_ms(track, heard):
        return _fits(track, heard, slot, low, high), True
    if slot <= track.slot:
        return track, False
    return _ahead(track, heard, slot, low, high)


def _begin(offset_ms: int, heard: Heard, slot: int) -> Track:
    return Track(offset_ms, heard.first_ms, False, slot, heard.status, heard.last_ms, 1)


def _fits(track: Track, heard: Heard, slot: int, low: int, high: int) -> Track:
    streak = track.streak + 1 if slot > track.slot and not track.confirmed else track.streak
    confirmed = track.confirmed or (streak >= CONFIRMING and heard.length_ms == SLOT_MS)
    jump = None if track.jump is not None and heard.last_ms >= track.jump.at_ms else track.jump
    if heard.last_ms < track.heard_ms:  # a late one says nothing of the present
        return track._replace(confirmed=confirmed, streak=streak, jump=jump, slot=max(slot, track.slot))
    offset, at = track.offset_ms, track.offset_at_ms
    if heard.synchronised:
        at = heard.first_ms
        if low > high:  # heard for longer than a slot, by a timer that came late
            offset = _middle(low, high)
        elif offset > high:
            offset = high
        elif offset < low:
            offset = low
    return Track(offset, at, confirmed, max(slot, track.slot), heard.status, heard.last_ms, streak, jump)


def _ahead(track: Track, heard: Heard, slot: int, low: int, high: int) -> tuple[Track, bool]:
    jump = track.jump
    if jump is not None and slot == jump.slot:
        return track, False
    allowed = heard.length_ms // 2 + UNCERTAIN_MS
    follows = jump is not None and slot > jump.slot and heard.first_ms > jump.at_ms
    if jump is None or not follows or max(low - jump.offset_ms, jump.offset_ms - high) > allowed:
        if heard.last_ms < track.heard_ms:  # heard before what fitted: an echo of the past, not a jump
            return track, False
        return track._replace(jump=Jump(_middle(low, high), slot, heard.last_ms, 1)), False
    offset = min(max(jump.offset_ms, low), high) if low <= high else _middle(low, high)
    streak = jump.streak + 1
    if streak >= JUMPING:
        return _begin(offset, heard, slot), True
    return track._replace(jump=Jump(offset, slot, heard.last_ms, streak)), False


def _middle(low: int, high: int) -> int:
    return (low + high) // 2
