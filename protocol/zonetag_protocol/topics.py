"""Where messages go: `zonetag/v1/<site>/<gateway>/<leaf>` (SPEC.md section 8).  Servers only.

No identifier of a tag ever stands in a topic.
"""

import re
from dataclasses import dataclass

from zonetag_protocol.errors import NotOurs

PREFIX = "zonetag/v1"

STATE = "state"  # retained, and the last will: JSON, see section 8.2
REPORT = "report"  # gateway -> backend: sealed report
ACK = "ack"  # backend -> gateway: sealed acknowledgement
LOST = "lost"  # gateway -> backend: sealed, which reports it no longer has
HEALTH = "health"  # gateway -> operators: JSON, retained
UPLINK = "uplink"  # tag -> backend, carried blind
DOWNLINK = "downlink"  # backend -> tag, carried blind
CMD = "cmd"  # operator -> gateway: JSON, see section 8.4
DONE = "done"  # gateway -> operator: what became of a command, JSON
LEAVES = (STATE, REPORT, ACK, LOST, HEALTH, UPLINK, DOWNLINK, CMD, DONE)

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
NAME_RULE = "1 to 32 of a-z, 0-9 and hyphens, not beginning or ending with a hyphen"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic taken apart."""

    site: str
    gateway: str
    leaf: str


def is_name(text: str) -> bool:
    """Whether `text` may name a site or a gateway: see NAME_RULE."""
    return NAME.fullmatch(text) is not None


def topic(site: str, gateway: str, leaf: str) -> str:
    """The topic of a message; ValueError for a name that breaks NAME_RULE."""
    for name in (site, gateway):
        if not is_name(name):
            raise ValueError(f"{name!r} is no name: {NAME_RULE}")
    if leaf not in LEAVES:
        raise ValueError(f"{leaf!r} is no leaf of {PREFIX}")
    return f"{PREFIX}/{site}/{gateway}/{leaf}"


def every(leaf: str) -> str:
    """The filter for one leaf of every gateway of every site."""
    return f"{PREFIX}/+/+/{leaf}"


def parse(text: str) -> Topic:
    """Take a topic apart; NotOurs when it is not one of ours."""
    parts = text.split("/")
    if len(parts) != 5 or f"{parts[0]}/{parts[1]}" != PREFIX or parts[4] not in LEAVES:
        raise NotOurs("not a topic of this system")
    if not is_name(parts[2]) or not is_name(parts[3]):
        raise NotOurs("a site or gateway in the topic breaks the rule of names")
    return Topic(*parts[2:])
