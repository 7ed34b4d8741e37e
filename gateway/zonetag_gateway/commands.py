"""What an operator's message on the topic `cmd` asks for, and whether it is taken.  Pure.  SPEC.md section 8.4.

Messages are not signed, so they are off by default, and each is hostile until checked: its size, its form, its age,
how many there are, and whether it was carried out already.
"""

import json
import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Any, NoReturn

from zonetag_gateway.source import Moment

MAX_BYTES = 4096  # far more than any command needs
MAX_AGE_MS = 60_000  # an operator waits; what comes later was held back by somebody
PER_MINUTE = 10  # commands taken in any 60 s; nobody types faster
ANSWERED_PER_MINUTE = 30  # beyond that nothing is answered: answers would take the place of reports
REMEMBERED = 256  # ids of commands: those of the last 25 minutes at the highest rate, against MAX_AGE_MS
MAX_TEXT = 500  # characters of an answer
MINUTE_S = 60.0

OK = "ok"
TRIAL, ROLLED_BACK = "trial", "rolled-back"  # of settings: first the one, then OK or the other
MALFORMED, RETAINED, EXPIRED, TOO_MANY = "malformed", "retained", "expired", "too-many"
UNKNOWN, BAD_ARGUMENT, UNSUPPORTED, FAILED = "unknown-command", "bad-argument", "unsupported", "failed"
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")
_MAX_DO = 32


@dataclass(frozen=True, slots=True)
class Command:
    """A message that is well formed and taken."""

    id: str
    # chosen by the operator, never used twice
    do: str
    # what: "log-level"; whether there is such a thing is not yet checked
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a command, for the topic `done`."""

    id: str
    code: str
    # OK, or what was wrong
    text: str
    # one sentence for a person

    def payload(self, utc_ms: int) -> bytes:
        """As JSON."""
        answer = {"id": self.id, "at": utc_ms, "ok": self.code == OK, "code": self.code, "text": self.text[:MAX_TEXT]}
        return json.dumps(answer, separators=(",", ":")).encode()


class Desk:
    """Takes messages, or refuses them."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, Answer | None] = OrderedDict()  # by id; None: being carried out
        self._taken: deque[float] = deque()
        self._answered: deque[float] = deque()
        self.counts = {"taken": 0, "refused": 0, "unanswered": 0}
        # since the start; the last are those that have no id, or came too fast to be answered
        self.updates = dict.fromkeys((OK, ROLLED_BACK, FAILED), 0)
        # updates that ended so, since the start; the one that was under way before it counts too

    def take(self, payload: bytes, *, retained: bool, now_s: float, moment: Moment) -> Command | Answer | None:
        """The command to carry out; or the answer to send at once; or None when there is nothing to say."""
        parsed = _parse(payload)
        if parsed is None or not _room(self._answered, now_s, ANSWERED_PER_MINUTE):
            self.counts["unanswered"] += 1
            return None
        self._answered.append(now_s)
        identifier, body = parsed
        if identifier in self._known:
            return self._known[identifier]  # done already, or under way: QoS 1 may bring a message twice
        refusal = _refusal(identifier, body, retained, moment)
        if refusal is None and not _room(self._taken, now_s, PER_MINUTE):
            refusal = Answer(identifier, TOO_MANY, f"More than {PER_MINUTE} commands in a minute. Wait a minute.")
        if refusal is not None:
            self.counts["refused"] += 1
            return refusal
        self._taken.append(now_s)
        self.counts["taken"] += 1
        self._known[identifier] = None
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return Command(identifier, body["do"], body.get("with", {}))

    def remember(self, identifier: str) -> None:
        """A command of before this start, which is still under way."""
        self._known[identifier] = None

    def update_ended(self, code: str) -> None:
        """An update came to its end: OK, ROLLED_BACK, or whatever else is a failure."""
        self.updates[code if code in self.updates else FAILED] += 1

    def told(self) -> dict[str, int]:
        """All counts, for the health."""
        return self.counts | {f"update.{code}": n for code, n in self.updates.items()}

    def answered(self, answer: Answer) -> None:
        """The command has been carried out, or could not be: a repeated message is answered alike."""
        if answer.id in self._known:
            self._known[answer.id] = answer


def _room(times: "deque[float]", now_s: float, most: int) -> bool:
    while times and times[0] <= now_s - MINUTE_S:
        times.popleft()
    return len(times) < most


def _parse(payload: bytes) -> tuple[str, dict[str, Any]] | None:
    """The message and its id; None if it has none that can be answered."""
    if len(payload) > MAX_BYTES:
        return None
    try:
        body = json.loads(payload.decode("utf-8"), parse_constant=_no_constant, object_pairs_hook=_pairs)
    except (ValueError, RecursionError):
        return None
    identifier = body.get("id") if isinstance(body, dict) else None
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        return None
    return identifier, body


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise ValueError("a name stands twice")
    return made


def _refusal(identifier: str, body: dict[str, Any], retained: bool, moment: Moment) -> Answer | None:
    """Why it is not taken; None if it is."""
    if retained:
        return Answer(identifier, RETAINED, "A retained command is not carried out. Send it without retain.")
    at, do, arguments = body.get("at"), body.get("do"), body.get("with", {})
    if set(body) - {"id", "at", "do", "with"} or type(at) is not int or not isinstance(arguments, dict):
        return Answer(identifier, MALFORMED, "A command has id, at (UTC in ms), do, and with (an object) if needed.")
    if not isinstance(do, str) or len(do) > _MAX_DO:
        return Answer(identifier, MALFORMED, f"do is a text of at most {_MAX_DO} characters.")
    if moment.synchronised and abs(moment.utc_ms - at) > MAX_AGE_MS:
        return Answer(identifier, EXPIRED, "Its time is more than 60 s from now. Send it anew; is your clock right?")
    return None
