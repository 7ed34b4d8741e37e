"""The boards: one table of pins and features.  No other file knows a board by name.

A board's row says what is there and on which pin; None is "not there".  A new board is a new row here, a column in the
manual, and nothing else.  The pins come from the vendors' pin-out drawings; none of the rows was run on hardware yet.
"""

from collections import namedtuple

# How a LED is lit.
ACTIVE_HIGH = "high"
ACTIVE_LOW = "low"
RGB = "rgb"  # one WS2812 on a data line

# Which accelerometer, on I2C.
MPU6886 = "mpu6886"

Divider = namedtuple("Divider", ("pin", "numerator", "denominator", "offset_mv"))
"""Battery on an ADC pin: battery mV = pin mV * numerator / denominator + offset_mv (the calibration of that board)."""

Led = namedtuple("Led", ("pin", "kind"))
Button = namedtuple("Button", ("pin", "pull_up"))  # pressed is low; pull_up: whether the chip must hold it high
Accelerometer = namedtuple("Accelerometer", ("kind", "scl", "sda"))

Board = namedtuple("Board", ("name", "says", "led", "button", "battery", "hold", "accelerometer", "cpu_mhz"))
"""name for people and for `board.txt`; says: parts of `sys.implementation._machine` that tell it; led; button; battery;
hold: pin to keep high lest the board switches itself off; accelerometer; cpu_mhz: the slowest clock at which the
Bluetooth controller runs."""

ESP32_DEVKIT = Board(
    "esp32-devkit",
    ("ESP32 module", "Zonetag esp32-devkit"),
    Led(2, ACTIVE_HIGH),
    Button(0, True),  # BOOT
    Divider(34, 2, 1, 0),  # two equal resistors, fitted by the builder
    None,
    None,
    80,
)
ESP32_C3_SUPERMINI = Board(
    "esp32-c3-supermini",
    ("ESP32C3 module", "Zonetag esp32-c3-supermini"),
    Led(8, ACTIVE_LOW),
    Button(9, True),  # BOOT
    Divider(3, 2, 1, 0),  # two equal resistors, fitted by the builder
    None,
    None,
    80,
)
ESP32_S3_DEVKIT = Board(
    "esp32-s3-devkit",
    ("ESP32S3 module", "Zonetag esp32-s3-devkit"),
    Led(48, RGB),
    Button(0, True),  # BOOT
    Divider(4, 2, 1, 0),  # two equal resistors, fitted by the builder
    None,
    None,
    80,
)
M5STICKC_PLUS2 = Board(
    "m5stickc-plus2",
    ("M5StickC Plus2", "Zonetag m5stickc-plus2"),
    Led(19, ACTIVE_HIGH),
    Button(37, False),  # A; this pin has no pull-up, the board has
    Divider(38, 2, 1, 0),
    4,  # HOLD: low switches the board off
    Accelerometer(MPU6886, 22, 21),
    80,
)

BOARDS = (M5STICKC_PLUS2, ESP32_C3_SUPERMINI, ESP32_S3_DEVKIT, ESP32_DEVKIT)
# A board nobody knows still sends frames: no pin is touched.
UNKNOWN = Board("unknown", (), None, None, None, None, None, 80)


def named(name: str) -> Board | None:
    """The board of that name, or None."""
    for board in BOARDS:
        if board.name == name:
            return board
    return None


def recognised(machine: str) -> Board:
    """The board that a build calls `machine`; UNKNOWN for any other."""
    for board in BOARDS:
        for part in board.says:
            if part in machine:
                return board
    return UNKNOWN
