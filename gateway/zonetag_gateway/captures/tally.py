"""What a reader counts: everything in a capture that was no usable advert has a name and a number."""

Heard = tuple[bytes, int]
"""AD bytes and RSSI in dBm."""


class Tally:
    """Counts by name.

    packets: records of the files; adverts: given on.  The rest was left out: scan_responses, directed (without data),
    fragments (of long adverts), bad_crc, malformed, untimed (no time, or an impossible one), unread_link (another
    kind of traffic), other (no adverts).
    """

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        # name -> how often

    def add(self, name: str) -> None:
        """One more of `name`."""
        self.counts[name] = self.counts.get(name, 0) + 1
