"""A roster held against the register: what each row would do, and what is wrong with it.  Pure."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from zonetag_backend.names import folded
from zonetag_backend.roster import rows as r
from zonetag_backend.roster.rows import Row
from zonetag_backend.roster.telling import CHECK, EVERY, Tell, silent

NEW, CHANGE, SAME, WRONG = "new", "change", "same", "wrong"
FREE, UNFIT = "free", "unfit"  # of a tag that nobody wears

MOST_NAME, MOST_CODE = 200, 64


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody of the register."""

    id: int
    name: str
    unit: str
    code: str
    numbers: tuple[str, ...]
    left: bool = False
    # has left the office, and is here again when a list has them


@dataclass(frozen=True, slots=True)
class KnownTag:
    """A tag of the register."""

    id: int
    number: str
    state: str
    # FREE, UNFIT, or empty when somebody wears it
    wearer: int | None = None
    wearer_name: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What a row does."""

    row: Row
    what: str
    # NEW, CHANGE, SAME, WRONG
    problems: tuple[tuple[str, str], ...]
    # code, and what it is about
    before: Known | None
    # who it is in the register; none for somebody new
    tag: KnownTag | None
    # the tag to hand out; none when there is nothing to do


@dataclass(frozen=True, slots=True)
class Plan:
    """All steps in the order of the file."""

    steps: tuple[Step, ...]

    def count(self, what: str) -> int:
        """How many do that."""
        return sum(step.what == what for step in self.steps)

    @property
    def tags(self) -> int:
        """How many tags would be handed out."""
        return sum(step.tag is not None for step in self.steps)

    @property
    def digest(self) -> str:
        """A mark of all that would be done: another one after the register has changed."""
        parts = [
            (s.what, s.row.name, s.row.unit, s.row.code, s.problems, s.before, s.tag and s.tag.id) for s in self.steps
        ]
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


class _Register:
    def __init__(self, people: Iterable[Known], tags: Iterable[KnownTag]) -> None:
        self.by_code: dict[str, Known] = {}
        self.by_name: dict[tuple[str, str], list[Known]] = defaultdict(list)
        self.tags = {tag.number.casefold(): tag for tag in tags}
        for each in people:
            self.by_name[_same(each.name, each.unit)].append(each)
            if each.code:
                self.by_code[each.code] = each


def plan(rows: Sequence[Row], people: Iterable[Known], tags: Iterable[KnownTag], tell: Tell = silent) -> Plan:
    """What the rows would do.  A row finds its person by the staff number, else by name and unit."""
    register = _Register(people, tags)
    first: dict[tuple[str, ...], Row] = {}
    steps = []
    for done, row in enumerate(rows):
        if done % EVERY == 0:
            tell(CHECK, done, len(rows))
        steps.append(_step(row, register, first))
    return Plan(tuple(steps))


def _step(row: Row, register: _Register, first: dict[tuple[str, ...], Row]) -> Step:
    problems = _form(row)
    key = ("code", row.code) if row.code else ("name", *_same(row.name, row.unit))
    if row.name or row.code:
        other = first.setdefault(key, row)
        if other is not row:
            problems.append((r.TWICE, other.where))
    before, more = _who(row, register)
    tag, of_tag = _tag(row, before, register, first)
    problems += more + of_tag
    if problems:
        return Step(row, WRONG, tuple(problems), before, None)
    if before is None:
        return Step(row, NEW, (), None, tag)
    # Without a staff number in the file the one of the register stays.
    changes = (before.name, before.unit, before.code) != (row.name, row.unit, row.code or before.code)
    return Step(row, CHANGE if changes or before.left or tag is not None else SAME, (), before, tag)


def _form(row: Row) -> list[tuple[str, str]]:
    problems = []
    if row.formula:
        problems.append((r.FORMULA, ""))
    elif not any(each.isalpha() for each in row.name):
        problems.append((r.NO_NAME, ""))
    for code, text, most in (
        (r.BAD_NAME, row.name, MOST_NAME),
        (r.BAD_UNIT, row.unit, MOST_NAME),
        (r.BAD_CODE, row.code, MOST_CODE),
    ):
        if text and (len(text) > most or not text.isprintable()):
            problems.append((code, ""))
    return problems


def _who(row: Row, register: _Register) -> tuple[Known | None, list[tuple[str, str]]]:
    named = register.by_name.get(_same(row.name, row.unit), [])
    if row.code:
        known = register.by_code.get(row.code)
        if known is None:
            # Somebody entered before they had a number, and only one, is that person.
            bare = [each for each in named if not each.code]
            return (bare[0], []) if len(bare) == 1 and len(named) == 1 else (None, [])
        if row.name and folded(known.name).split()[-1:] != folded(row.name).split()[-1:]:
            return known, [(r.CODE_TAKEN, known.name)]
        return known, []
    if len(named) > 1:
        return None, [(r.AMBIGUOUS, str(len(named)))]
    return (named[0] if named else None), []


def _tag(
    row: Row, before: Known | None, register: _Register, first: dict[tuple[str, ...], Row]
) -> tuple[KnownTag | None, list[tuple[str, str]]]:
    if not row.tag:
        return None, []
    other = first.setdefault(("tag", row.tag.casefold()), row)
    if other is not row:
        return None, [(r.TAG_TWICE, other.where)]
    tag = register.tags.get(row.tag.casefold())
    if tag is None:
        return None, [(r.TAG_UNKNOWN, row.tag)]
    if tag.wearer is not None:
        same = before is not None and tag.wearer == before.id
        return None, [] if same else [(r.TAG_WORN, tag.wearer_name)]
    return (tag, []) if tag.state == FREE else (None, [(r.TAG_UNFIT, row.tag)])


def _same(name: str, unit: str) -> tuple[str, str]:
    return name.casefold(), unit.casefold()
