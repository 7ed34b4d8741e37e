"""What can go wrong with a tag, and what it remembers of it: codes and counters.  Pure.

The counters live in NVS and survive resets and a lost file system; the log (`faultlog`) has the details.
"""

# Codes: in the log, on the serial line, in the manual.
ADDRESS = "address"  # the controller kept its address; nothing was sent
CARD = "card"  # no provisioning card, or a damaged one
CLOCK = "clock"  # the record of used time is unreadable
FLASH = "flash"  # a file could not be written
NVS = "nvs"  # a record could not be written
RADIO = "radio"  # the stack raised an error
SENSOR = "sensor"  # battery or accelerometer did not answer
CRASH = "crash"  # an exception nobody expected
WATCHDOG = "watchdog"  # reset by the watchdog
BROWN_OUT = "brown-out"  # reset by a dip of the supply
POWER = "power"  # switched on

COUNTED = (POWER, WATCHDOG, BROWN_OUT, CRASH, ADDRESS, CARD, CLOCK, FLASH, NVS, RADIO, SENSOR)
MOST = 0xFFFF  # a counter stays here when it is full


class Counters:
    """How often each of COUNTED has happened in the tag's life."""

    def __init__(self, data: bytes = b"") -> None:
        """From `pack`'s bytes; missing ones count from zero, so that a newer firmware may have more counters."""
        self.counts = {}
        for i in range(len(COUNTED)):
            self.counts[COUNTED[i]] = int.from_bytes(data[2 * i : 2 * i + 2], "little")

    def add(self, code: str) -> int:
        """One more; returns how many it makes."""
        self.counts[code] = min(MOST, self.counts[code] + 1)
        return self.counts[code]

    def pack(self) -> bytes:
        """2 bytes little endian for each of COUNTED, in that order."""
        return b"".join([self.counts[code].to_bytes(2, "little") for code in COUNTED])
