"""Which of the tags that the backend calls is connected to next (SPEC.md section 12.8).  Pure.

| state of a call | event | next |
|---|---|---|
| waiting | its identifier is heard strongly enough, a connection is free, its back-off is over | trying |
| waiting | good no more | EXPIRED |
| trying | connected | carried, up to the budget |
| trying | no connection came about, for the first or second time | waiting, after a back-off |
| trying | the third time | UNREACHABLE |

Who was not fetched for longest comes first, by powers of two of that time; among those alike the strongest, since a
strong tag is fetched quickest and least likely to walk away.
"""

from dataclasses import dataclass, replace

HEARD_S = 12.0  # a tag at rest sends every second or so: who was not heard for so long has gone
WEAKEST_DBM = -88  # a weaker one would lose more than it says
TRIES = 3
BACK_OFF_S = 4.0  # after the first try, doubled after each: a connectable advert goes out every 16 s
CONNECT_S = 20.0  # for one try
MOST_CALLS = 64


@dataclass(frozen=True, slots=True)
class Call:
    """A tag that the backend wants to talk to.  Times are s on the monotonic clock."""

    session: bytes
    eid: bytes
    hello: bytes
    waited_s: int
    # since it was last fetched
    until: float
    # good until then
    tries: int = 0
    # that came to nothing
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Heard:
    """When and how strongly an identifier was heard last."""

    at: float
    rssi: float
    # dBm, smoothed


def choose(calls: list[Call], heard: dict[bytes, Heard], now: float, free: int) -> list[Call]:
    """Up to `free` calls that are tried now, the most urgent first."""
    able = [call for call in calls if now < call.until and now >= call.not_before and _near(heard.get(call.eid), now)]
    able.sort(key=lambda call: (call.waited_s.bit_length(), heard[call.eid].rssi), reverse=True)
    return able[: max(0, free)]


def expired(calls: list[Call], now: float) -> list[Call]:
    """Those that are good no more."""
    return [call for call in calls if now >= call.until]


def failed(call: Call, now: float) -> Call | None:
    """The call after a try without a connection; None: given up."""
    tries = call.tries + 1
    if tries >= TRIES:
        return None
    return replace(call, tries=tries, not_before=now + BACK_OFF_S * 2**call.tries)


def smoothed(before: Heard | None, at: float, rssi: int) -> Heard:
    """With one more advert: a quarter of the new, for single adverts vary by 10 dB."""
    if before is None or at - before.at > HEARD_S:
        return Heard(at, float(rssi))
    return Heard(at, before.rssi + (rssi - before.rssi) / 4)


def _near(heard: Heard | None, now: float) -> bool:
    return heard is not None and now - heard.at <= HEARD_S and heard.rssi >= WEAKEST_DBM
