"""The button: a press calls for help, or says "here I am", for half a minute (SPEC.md section 5.3).  Pure."""

HELD_S = 30


class Button:
    """Remembers the last press on the tag's clock."""

    def __init__(self) -> None:
        self._until = 0

    def press(self, t: int) -> None:
        """A press at second `t`; a second one within the time only prolongs the first, so bouncing does no harm."""
        self._until = t + HELD_S

    def calling(self, t: int) -> bool:
        """Whether the status byte's bit is to be set at second `t`."""
        return t < self._until
