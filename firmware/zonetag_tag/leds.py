"""LED codes: what the tag says to whoever looks at it.  Pure; the manual prints this table.

A code is a row of flashes and a pause.  When several things are to be said, the first in CODES is.
"""

from collections import namedtuple

Code = namedtuple("Code", ("name", "flashes", "on_ms", "off_ms", "pause_ms"))
"""`flashes` times `on_ms` lit and `off_ms` dark, then `pause_ms` dark, and again."""

CARD = "card"  # no provisioning card, or a damaged one: flash the tag again
CLOCK = "clock"  # nobody knows which identifiers were used: flash the tag again
RADIO = "radio"  # the address does not change, nothing is sent
FLASH = "flash"  # the file system is full or damaged
HELP = "help"  # the button's call is on the air
FIND = "find-me"  # somebody at the backend looks for this tag
LOW = "low-battery"
BOOT = "boot"  # just started
DARK = "dark"  # all is well: a wearable that blinks all day wears out its battery and its wearer

CODES = (
    Code(CARD, 3, 400, 400, 3000),
    Code(CLOCK, 4, 400, 400, 3000),
    Code(RADIO, 5, 400, 400, 3000),
    Code(HELP, 5, 60, 140, 1000),
    Code(FIND, 8, 60, 60, 500),
    Code(FLASH, 6, 400, 400, 3000),
    Code(LOW, 2, 60, 240, 8000),
    Code(BOOT, 1, 1000, 0, 1000),
)
BOOT_MS = 1000  # how long after a start BOOT is shown


def choose(names: set[str]) -> Code | None:
    """The code to show of all that hold, or None for DARK."""
    for code in CODES:
        if code.name in names:
            return code
    return None


def lit(code: Code | None, ms: int) -> tuple[bool, int]:
    """Whether the LED is lit `ms` after its code began, and how many ms until that changes (a long time for DARK)."""
    if code is None:
        return False, 60000
    ms %= code.flashes * (code.on_ms + code.off_ms) + code.pause_ms
    for _ in range(code.flashes):
        if ms < code.on_ms:
            return True, code.on_ms - ms
        ms -= code.on_ms
        if ms < code.off_ms:
            return False, code.off_ms - ms
        ms -= code.off_ms
    return False, code.pause_ms - ms
