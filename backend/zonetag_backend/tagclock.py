"""What a tag's frames say of its clock, and whether one is of the moment at which it was heard.  Pure.

A frame of the slot that begins at second s of the tag's clock, heard at UTC c, says: the offset (UTC minus tag clock)
lies in (c - s - 4 s, c - s].  A window heard from `first` to `last` says it of both: (last - s - 4 s, first - s].
What is known is a range, too: what all frames so far have in common, growing with time by what a clock may drift.
A frame fits when the two ranges meet.  As every honest frame's range holds the true offset, every honest frame fits,
in whatever order; and the range becomes as narrow as tags advertise often.  A badge says the same of its epoch of
1024 s.

| state | fits | does not fit, slot ahead of all before | does not fit, slot behind |
|---|---|---|---|
| NEW: never heard | LOW: its first frame sets the offset, good | the same | the same |
| LOW: trusted little | good; SURE after CONFIRMING slots | stale; LOW, good after some slots of one offset | stale |
| SURE | good | as in LOW | stale |

Slots ahead of all before that do not fit are what a change of battery looks like.  The replay of a recording looks so
too, if the tag was heard by nobody when it was recorded; so a new offset is taken only after several slots in a row,
during which nothing fits the old one, and is trusted little at first.  And a first or new offset that is not what card
or history say is taken only of a gateway that calls its clock synchronised: one that was set half an hour ahead by hand
sees every tag jump.
"""

from typing import NamedTuple

from zonetag_protocol.rotation import EPOCH_S, SLOT_BITS, SLOT_S

SLOT_MS = SLOT_S * 1000
EPOCH_MS = EPOCH_S * 1000
DRIFT_PPM = 150  # Eddystone's bound on a beacon's clock: 13 s a day
UNCERTAIN_MS = 500  # a gateway that calls its clock synchronised, and a tag's timer that comes late
UNSYNCHRONISED_MS = 30_000  # a gateway that does not
CONFIRMING = 3  # slots that fit until a new offset is sure
# Slots in a row that say the same new offset until it is taken, while nothing fits the old one.  A clock ahead of where
# it should be is no recording, for nobody records the future; one behind may be, so it has to go on for a minute.
JUMPING = 3
RESUMING = 15


class Jump(NamedTuple):
    """An offset that a tag seems to have jumped to."""

    low_ms: int
    high_ms: int
    # the range it lies in
    slot: int
    # the last slot that said so
    at_ms: int
    # when that was heard
    streak: int
    # how many slots in a row


class Track(NamedTuple):  # a tuple, not a dataclass: one is made for every window
    """What is known of one tag's clock; the first STORED as in table `tag_clock`."""

    offset_ms: int
    # UTC minus tag clock, the middle of its range
    slack_ms: int
    # half the width of the range
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


STORED = 7  # fields of a track that outlive the process


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


def judge(track: Track, heard: Heard) -> tuple[Track, bool]:
    """The clock after a frame, and whether the frame is fresh."""
    uncertain = UNCERTAIN_MS if heard.synchronised else UNSYNCHRONISED_MS
    low = heard.last_ms - heard.start_ms - heard.length_ms - uncertain
    high = heard.first_ms - heard.start_ms + uncertain
    slot = heard.slot
    if low > high:  # heard for longer than it lasts, so at its end it was an echo
        return track, False
    drifted = track.slack_ms + abs(heard.first_ms - track.offset_at_ms) * DRIFT_PPM // 1_000_000 + 1
    fits = low <= track.offset_ms + drifted and track.offset_ms - drifted <= high
    if not track.heard_ms:  # a gateway without the time may confirm what the card says, and no more
        return (_begin(low, high, heard, slot), True) if heard.synchronised or fits else (track, False)
    if fits:
        return _fits(
            track, heard, slot, max(low, track.offset_ms - drifted), min(high, track.offset_ms + drifted)
        ), True
    if slot <= track.slot or not heard.synchronised:  # a gateway without the time cannot say that a tag's clock jumped
        return track, False
    return _ahead(track, heard, slot, low, high)


def _begin(low: int, high: int, heard: Heard, slot: int) -> Track:
    return Track(*_range(low, high), heard.first_ms, False, slot, heard.status, heard.last_ms, 1)


def _fits(track: Track, heard: Heard, slot: int, low: int, high: int) -> Track:
    """`low` to `high`: what the frame and all before it have in common."""
    streak = track.streak + 1 if slot > track.slot and not track.confirmed else track.streak
    confirmed = track.confirmed or (streak >= CONFIRMING and heard.length_ms == SLOT_MS)
    jump = None if track.jump is not None and heard.last_ms >= track.jump.at_ms else track.jump
    slot = max(slot, track.slot)
    if heard.last_ms < track.heard_ms:  # a late one says nothing of the present
        return track._replace(confirmed=confirmed, streak=streak, jump=jump, slot=slot)
    if not heard.synchronised:  # nor does one whose time may be wrong
        return track._replace(
            confirmed=confirmed, streak=streak, jump=jump, slot=slot, status=heard.status, heard_ms=heard.last_ms
        )
    return Track(*_range(low, high), heard.first_ms, confirmed, slot, heard.status, heard.last_ms, streak, jump)


def _ahead(track: Track, heard: Heard, slot: int, low: int, high: int) -> tuple[Track, bool]:
    jump = track.jump
    if jump is not None and slot == jump.slot:
        return track, False
    follows = jump is not None and slot > jump.slot and heard.first_ms > jump.at_ms
    if jump is None or not follows or low > jump.high_ms or jump.low_ms > high:
        if heard.last_ms < track.heard_ms:  # heard before what fitted: an echo of the past, not a jump
            return track, False
        return track._replace(jump=Jump(low, high, slot, heard.last_ms, 1)), False
    low, high = max(low, jump.low_ms), min(high, jump.high_ms)
    is_ahead = high < track.offset_ms
    if jump.streak + 1 >= (JUMPING if is_ahead else RESUMING):
        return _begin(low, high, heard, slot), True
    return track._replace(jump=Jump(low, high, slot, heard.last_ms, jump.streak + 1)), False


def _range(low: int, high: int) -> tuple[int, int]:
    """Middle and half the width of a range, rounded outwards."""
    return (low + high) // 2, (high - low + 1) // 2
