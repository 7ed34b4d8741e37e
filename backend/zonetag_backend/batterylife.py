"""How long a tag's battery lasts: a model, with its sources and its uncertainty.  Pure.

    mean current = floor + board + advert / interval + slot / 4 s + receiver * look / (32 s * every) + link a day
    life = capacity * usable / mean current

Nothing in it was measured on hardware by this project.  Every figure is a range (low, likely, high): how far its
source may be from the tag in your hand.  The life is told as a range too.
"""

from dataclasses import dataclass

from zonetag_protocol import linkmessage
from zonetag_protocol.card import INTERVALS_MS
from zonetag_protocol.contact import CELL_S
from zonetag_protocol.rotation import SLOT_S

STOCK = "stock"  # a downloaded image of MicroPython: never sleeps
OWN = "own"  # built as firmware/boards says
BUILDS = (OWN, STOCK)
CAPACITY_MAH = (10, 20_000)
HOURS_A_DAY = 24

SOURCES = (
    "[1] ESP-IDF, examples/bluetooth/nimble/power_save/README.md: currents of the sleep between two radio events",
    "[2] ESP-IDF issue 13073: ESP32-H2, 6.5 mA at 30 ms, 0.76 mA at 300 ms: 225 uC an advert; S3, 9 to 15 mA at 30 ms",
    "[3] MicroPython issue 6396, GoogleFindMyTools issue 50: without sleep 20 mA on a C3 at 1.28 s, others tens of mA",
    "[4] estimate: a frame is computed in 10 to 60 ms at 20 mA, once in each slot of 4 s",
    "[5] estimate: the board's regulator, its power LED and its USB chip; zero only if you remove them",
    "[6] estimate: a cell gives 70 to 95 % of what is printed on it (age, cold, the regulator's lowest voltage)",
    "[7] chips' data sheets, receiving: ESP32 95 to 100 mA, C3 84 mA, S3 88 to 91 mA (Wi-Fi; no figure for Bluetooth)",
    "[8] estimate: a connection draws what a chip that is awake does, for 1 to 10 min a day",
)


@dataclass(frozen=True, slots=True)
class Range:
    """A figure and how far it may be off."""

    low: float
    likely: float
    high: float

    def plus(self, other: "Range") -> "Range":
        """The sum, if all that is bad comes together."""
        return Range(self.low + other.low, self.likely + other.likely, self.high + other.high)

    def over(self, divisor: float) -> "Range":
        """Each of the three divided."""
        return Range(self.low / divisor, self.likely / divisor, self.high / divisor)


@dataclass(frozen=True, slots=True)
class Chip:
    """What one kind of board draws."""

    name: str
    # as flash.sh --board has it
    stock_ma: Range
    # awake all the time [3]
    main_ma: Range
    # asleep between events, as far as it can without a 32.768 kHz crystal [1]
    crystal_ma: Range
    # with one [1]
    board_ma: Range
    # all around the chip [5]


ADVERT_UC = Range(200, 300, 500)  # charge of one advert on three channels, uC [2]
SLOT_UC = Range(200, 600, 1200)  # charge of one frame computed, uC [4]
RECEIVER_MA = Range(40, 85, 100)  # while it looks for other tags [7]
LINK_MINUTES = Range(1, 3, 10)  # of connection a day, and the wakes of connectable moments [8]
DAY_MINUTES = 24 * 60
LOOK_EVERY = linkmessage.SETTING_RANGES[linkmessage.LOOK_EVERY]  # least, most, default: cells of 32 s from look to look
LOOK_MS = (linkmessage.LOOK_MS_LEAST, linkmessage.SETTING_RANGES[linkmessage.LOOK_MS][1])
LONGEST_LOOK_MS = 600  # of one whose length follows from the interval (firmware/zonetag_tag/contacts.py)
USABLE = Range(0.70, 0.85, 0.95)  # [6]

CHIPS = {
    chip.name: chip
    for chip in (
        Chip("c3", Range(15, 20, 30), Range(2.0, 2.3, 3.5), Range(0.13, 0.14, 0.35), Range(0.1, 1.0, 2.5)),
        Chip("devkit", Range(30, 45, 110), Range(12, 14.1, 20), Range(1.5, 1.9, 4), Range(2, 8, 15)),
        Chip("s3", Range(25, 35, 60), Range(3.0, 3.3, 5), Range(0.2, 0.23, 0.5), Range(1, 5, 12)),
        Chip("m5stickc-plus2", Range(30, 45, 110), Range(12, 14.1, 20), Range(1.5, 1.9, 4), Range(0.5, 2, 6)),
    )
}


@dataclass(frozen=True, slots=True)
class Life:
    """What the model says."""

    parts: dict[str, Range]
    # mA by what draws it
    current_ma: Range
    hours: Range
    # low is the shortest life


def look_ms_of(interval_ms: int) -> int:
    """The length of a look where none is set: an eighth and 20 ms longer than the interval, 600 ms at most."""
    return min(LONGEST_LOOK_MS, interval_ms * 9 // 8 + 20)


def life(
    chip: Chip,
    *,
    build: str,
    crystal: bool,
    interval_ms: int,
    capacity_mah: int,
    look_every: int = LOOK_EVERY[2],
    look_ms: int = 0,
) -> Life:
    """The life of one charge; ValueError for a figure outside its range.

    `look_every`: looks for other tags in each so many cells of 32 s, 0 for never; `look_ms` 0: by the interval.
    """
    low, high = INTERVALS_MS
    if not low <= interval_ms <= high:
        raise ValueError(f"an advertising interval is {low} to {high} ms")
    if not CAPACITY_MAH[0] <= capacity_mah <= CAPACITY_MAH[1]:
        raise ValueError(f"a capacity is {CAPACITY_MAH[0]} to {CAPACITY_MAH[1]} mAh")
    if not LOOK_EVERY[0] <= look_every <= LOOK_EVERY[1]:
        raise ValueError(f"a tag looks in every {LOOK_EVERY[0]}th to {LOOK_EVERY[1]}th cell of {CELL_S} s, 0 for never")
    if look_ms and not LOOK_MS[0] <= look_ms <= LOOK_MS[1]:
        raise ValueError(f"a look is {LOOK_MS[0]} to {LOOK_MS[1]} ms long, 0 for as long as the interval asks")
    asleep = chip.crystal_ma if crystal else chip.main_ma
    parts = {
        "chip": chip.stock_ma if build == STOCK else asleep,
        "board": chip.board_ma,
        "adverts": ADVERT_UC.over(interval_ms),  # uC / ms = mA
        "frames": SLOT_UC.over(SLOT_S * 1000),
        "looks": RECEIVER_MA.over(CELL_S * 1000 * look_every / (look_ms or look_ms_of(interval_ms)))
        if look_every
        else Range(0, 0, 0),
        "link": Range(
            LINK_MINUTES.low * chip.stock_ma.low,
            LINK_MINUTES.likely * chip.stock_ma.likely,
            LINK_MINUTES.high * chip.stock_ma.high,
        ).over(DAY_MINUTES),
    }
    current = Range(0, 0, 0)
    for part in parts.values():
        current = current.plus(part)
    hours = Range(
        capacity_mah * USABLE.low / current.high,
        capacity_mah * USABLE.likely / current.likely,
        capacity_mah * USABLE.high / current.low,
    )
    return Life(parts, current, hours)
