"""A light or a buzzer of the kernel's LED class: /sys/class/leds/NAME/brightness.  The one file that writes there."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)


class Led:
    """Switched on and off; a failure is told once and harms nothing."""

    def __init__(self, brightness: Path) -> None:
        self._path = brightness
        self._told = False

    def set(self, on: bool) -> None:
        """Full or none."""
        try:
            self._path.write_text(self._most() if on else "0", encoding="ascii")
        except OSError as error:
            if not self._told:
                self._told = True
                log.error(
                    "%s cannot be written (%s): correct feedback.led, or let the gateway's user write it",
                    self._path,
                    error.strerror,
                )

    def _most(self) -> str:
        """What the kernel calls full."""
        try:
            return str(int(self._path.with_name("max_brightness").read_text(encoding="ascii")))
        except (OSError, ValueError):
            return "1"
