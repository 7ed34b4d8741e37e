"""Motion: is the tag being worn, or does it lie on a desk?  Pure; decides between the card's two intervals."""

# Between two readings a second apart, a person who sits and writes moves the tag by more than this and a desk by less.
# From the sensor's noise: MPU6886, 8 mg rms at the widest bandwidth.  Not measured on hardware.
THRESHOLD_MG = 60
STILL_S = 30  # so long without motion makes rest
ALWAYS = None  # what a board without accelerometer hands in


class Motion:
    """Compares each reading with the one before."""

    def __init__(self) -> None:
        self._last: tuple[int, int, int] | None = None
        self._until = 0

    def feel(self, t: int, reading: tuple[int, int, int] | None) -> None:
        """Take a reading (x, y, z in mg) at second `t`.  ALWAYS (no accelerometer) counts as moving."""
        last, self._last = self._last, reading
        if reading is None or last is None or _far(last, reading):
            self._until = t + STILL_S

    def moving(self, t: int) -> bool:
        """Whether the tag moved lately, as of second `t`."""
        return t < self._until


def _far(a: tuple[int, int, int], b: tuple[int, int, int]) -> bool:
    return abs(a[0] - b[0]) + abs(a[1] - b[1]) + abs(a[2] - b[2]) > THRESHOLD_MG
