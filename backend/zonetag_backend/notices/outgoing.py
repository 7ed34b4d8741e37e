"""What goes out, whichever way it goes."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One notice, addressed."""

    id: int
    # the same at each try: a receiver knows a repetition by it
    code: str
    # staff number: the office's own directory has telephone and address
    name: str
    language: str
    subject: str
    text: str
    phone: str = ""
    # of a visitor, as the desk wrote it down; staff are known by their number


class NotSent(Exception):
    """It did not go out; the message is kept beside the notice.  `silent`: there was no answer at all."""

    def __init__(self, said: str, *, silent: bool = False) -> None:
        super().__init__(said)
        self.silent = silent


class Sender(Protocol):
    """A way out."""

    channel: str

    def send(self, notice: Outgoing, now_ms: int) -> str:
        """Send it; the other side's answer.  NotSent when it was not taken."""
