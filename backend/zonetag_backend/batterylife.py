"""How long a tag's battery lasts: a model, with its sources and its uncertainty.  Pure.

    mean current = floor + board + advert / interval + slot / 4 s        life = capacity * usable / mean current

Nothing in it was measured on hardware by this project.  Every figure is a range (low, likely, high): how far its
source may be from the tag in your hand.  The life is told as a range too.
"""

from dataclasses import dataclass

from zonetag_protocol.card import INTERVALS_MS
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


def life(chip: Chip, *, build: str, crystal: bool, interval_ms: int, capacity_mah: int) -> Life:
    """The life of one charge; ValueError for an interval or a capacity outside its range."""
    low, high = INTERVALS_MS
    if not low <= interval_ms <= high:
        raise ValueError(f"an advertising interval is {low} to {high} ms")
    if not CAPACITY_MAH[0] <= capacity_mah <= CAPACITY_MAH[1]:
        raise ValueError(f"a capacity is {CAPACITY_MAH[0]} to {CAPACITY_MAH[1]} mAh")
    asleep = chip.crystal_ma if crystal else chip.main_ma
    parts = {
        "chip": chip.stock_ma if build == STOCK else asleep,
        "board": chip.board_ma,
        "adverts": ADVERT_UC.over(interval_ms),  # uC / ms = mA
        "frames": SLOT_UC.over(SLOT_S * 1000),
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
