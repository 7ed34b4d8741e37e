"""What goes from stage to stage of the link.  Times are UTC ms."""

from dataclasses import dataclass, field

from zonetag_protocol.linkmessage import Status

FIND = "find"  # kinds of orders
SETTINGS = "settings"
UPDATE = "update"

WAITING = "waiting"  # states of an order: not carried out yet
TRIAL = "trial"  # an update that the tag has, and must report from within a day
DONE = "done"
FAILED = "failed"  # the tag refused it: the code says why
ROLLED_BACK = "rolled-back"  # the tag went back to the firmware of before
EXPIRED = "expired"  # it came too late to be of use
CANCELLED = "cancelled"  # another of its kind, or newer firmware that came in another way, took its place
OPEN = (WAITING, TRIAL)


@dataclass(frozen=True, slots=True)
class Firmware:
    """An update as a tag gets it."""

    version: tuple[int, int, int]
    digest: bytes
    # SHA-256 of the archive
    archive: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """Something that a tag is to be told."""

    id: int
    kind: str
    # FIND, SETTINGS or UPDATE
    body: bytes
    # of the command; of an update the version that the tag ran when it was ordered, empty: not known
    state: str
    until_ms: int
    # of no use after this
    firmware: Firmware | None = None


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a tag's log."""

    log: bytes = b""
    through: int = 0
    # every record of that log up to here is committed


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of an order."""

    order: int
    state: str
    code: int | None = None
    # of linkmessage, if the tag said one


@dataclass(slots=True)
class Step:
    """What follows from one message of a tag; what is to be said may be said once the rest is committed."""

    say: list[bytes] = field(default_factory=list)
    # sealed messages, in this order
    status: Status | None = None
    records: list[bytes] = field(default_factory=list)
    # 36 bytes each
    through: int | None = None
    # records up to this number are here (or are nowhere)
    passed_over: int = 0
    # numbers of which the tag has nothing any more
    settled: list[Settled] = field(default_factory=list)
    empty: bool = False
    # the tag has said that nothing of its log waits any more
    over: bool = False
    # all was said
