"""What the tag feels: battery, button, motion.  Asks the board, hands it to the pure parts, keeps the answers."""

from zonetag_tag import battery, faults, leds
from zonetag_tag.board import Board
from zonetag_tag.button import Button
from zonetag_tag.health import Health
from zonetag_tag.motion import Motion

BATTERY_S = 64  # between two readings: a cell empties in days


class Senses:
    """The senses of a tag on `board`."""

    def __init__(self, board: Board, health: Health) -> None:
        self._board = board
        self._health = health
        self._button = Button()
        self._motion = Motion()
        self.left: int | None = None  # battery, thousandths; none: not known
        self.found_until = 0  # second until which the LED says "find me"
        self.low = False  # battery low
        self._battery_at = 0  # second of the next reading
        self._feels = board.has_accelerometer  # and it answers

    def look(self, t: int) -> None:
        """Ask everything that is due at second `t`."""
        if self._board.take_press():
            self._button.press(t)
            self._health.pressed()
        self._health.mark(leds.HELP, self._button.calling(t))
        self._health.mark(leds.FIND, t < self.found_until)
        self._feel(t)
        if t >= self._battery_at:
            self._battery_at = t + BATTERY_S
            self._read_battery()

    def level(self) -> int:
        """Battery, eighths for the status byte."""
        return battery.UNKNOWN if self.left is None else battery.level(self.left)

    def calling(self, t: int) -> bool:
        """Whether the button's call is on."""
        return self._button.calling(t)

    def moving(self, t: int) -> bool:
        """Whether the tag is being moved, or cannot know."""
        return self._motion.moving(t)

    def _feel(self, t: int) -> None:
        reading = self._board.acceleration()
        self._motion.feel(t, reading)
        if self._feels and reading is None:
            self._health.fault(t, faults.SENSOR, "", "the accelerometer does not answer")
        self._feels = reading is not None

    def _read_battery(self) -> None:
        microvolts = self._board.battery_microvolts()
        if microvolts is None:
            return
        self.left = battery.thousandths(battery.millivolts(microvolts, self._board.pins.battery))
        self.low = battery.is_low(self.left, self.low)
        self._health.mark(leds.LOW, self.low)
