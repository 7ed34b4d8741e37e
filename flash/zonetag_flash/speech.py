"""What a tag says over serial when it starts: a JSON line with `zonetag`, `number`, `eid` and `t`.

The check is the backend's own: the identifier of the card's key at the second that the tag names.
"""

import json
import time

import serial

from zonetag_flash.errors import FlashError
from zonetag_protocol.card import Card
from zonetag_protocol.rotation import EPOCH_S, T_END, derive_keys, eid_of

BAUD = 115200


def check(line: bytes, card: Card) -> bool | None:
    """Whether a line is this tag's greeting: True if its identifier fits, False if not, None if it is no greeting."""
    try:
        said = json.loads(line[line.find(b"{") :])
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or "zonetag" not in said:
        return None
    t = said.get("t")
    # The clock has run for moments only, but resumes ahead of what it stored: two epochs at the most.
    if type(t) is not int or not card.t0 <= t <= card.t0 + 2 * EPOCH_S or t >= T_END:
        return False
    return said.get("number") == card.number and said.get("eid") == eid_of(derive_keys(card.master).eid, t).hex()


def listen(port: str, card: Card, wait_s: float) -> bool | None:
    """Listen for the greeting for at most `wait_s`: as `check`, and None if the tag stays silent."""
    end = time.monotonic() + wait_s
    while time.monotonic() < end:
        try:
            with serial.serial_for_url(port, BAUD, timeout=0.2) as line:
                return _greeting(line, card, end)
        except (serial.SerialException, OSError):
            # A chip with USB of its own vanishes for a moment when it is reset; a socket that closed stays closed.
            if "://" in port:
                return None
            time.sleep(0.2)
    return None


def _greeting(line: serial.SerialBase, card: Card, end: float) -> bool | None:
    heard = b""
    while time.monotonic() < end:
        heard = (heard + line.read(256))[-4096:]
        *lines, _ = heard.split(b"\n")
        for one in lines:
            answer = check(one, card)
            if answer is not None:
                return answer
    return None


def demand(answer: bool | None, must_speak: bool) -> str:
    """How it is told in the result; FlashError when the tag said something else than the backend would compute.

    `must_speak`: silence is a failure too, as of a real board, which says its greeting four times.
    """
    if answer is None and must_speak:
        raise FlashError(
            "silent",
            "What was written is there, but the tag does not say who it is.",
            "Is the image MicroPython for this chip? Look at the LED (docs/en/tags.md), then run it again, with"
            " --listen 30 for a slow board, or --listen 0 to do without its word.",
        )
    if answer is False:
        raise FlashError(
            "wrong-identifier",
            "The tag runs, but says an identifier that the backend would not compute.",
            "Flash it again. If it happens again, the image and this checkout do not go together.",
        )
    return "confirmed" if answer else "silent"
