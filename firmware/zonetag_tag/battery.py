"""Battery: from the ADC's microvolts to the eighths of the status byte.  Pure, whole numbers only.

The curve is of a single lithium-polymer cell at rest and at room temperature; a tag draws so little that its cell is
nearly at rest.  Within a cell's ageing and temperature it is good to about one eighth, which is why the status byte has
no finer steps.  Not measured on hardware.
"""

from zonetag_tag.boards import Divider

# (mV, thousandths of capacity left), falling.
CURVE = (
    (4180, 1000),
    (4060, 900),
    (3980, 800),
    (3920, 700),
    (3870, 600),
    (3820, 500),
    (3790, 400),
    (3770, 300),
    (3740, 200),
    (3680, 100),
    (3450, 50),
    (3000, 0),
)
EIGHTHS = 8
UNKNOWN = 7  # a tag on a cable, or without a divider: the status byte says full
LOW = 100  # thousandths: under this the tag saves
RECOVERED = 150  # thousandths: over this it stops saving (apart, lest it flutters)


def millivolts(microvolts: int, divider: Divider) -> int:
    """The cell's mV from the ADC pin's microvolts (the ADC's own factory calibration is in them already)."""
    mv: int = microvolts * divider.numerator // (divider.denominator * 1000) + divider.offset_mv
    return mv


def thousandths(mv: int) -> int:
    """Capacity left, 0 to 1000, by straight lines between the points of the curve."""
    above_mv, above = CURVE[0]
    if mv >= above_mv:
        return above
    for point_mv, point in CURVE[1:]:
        if mv >= point_mv:
            return point + (mv - point_mv) * (above - point) // (above_mv - point_mv)
        above_mv, above = point_mv, point
    return 0


def level(left: int) -> int:
    """The status byte's eighths, 0 to 7 (SPEC.md section 5.3), of so many thousandths."""
    return min(EIGHTHS - 1, left * EIGHTHS // 1000)


def is_low(left: int, was_low: bool) -> bool:
    """Whether the tag is to save; between LOW and RECOVERED it goes on as it was."""
    return left < (RECOVERED if was_low else LOW)
