"""`zonetag person import`: a list of people is looked at row by row, then taken over in one transaction."""

import argparse
import sys
from pathlib import Path

from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, desk
from zonetag_backend.errors import BadValue
from zonetag_backend.names import printable
from zonetag_backend.roster import plan as planning
from zonetag_backend.roster import reading
from zonetag_backend.roster.plan import Plan
from zonetag_backend.roster.reading import Looked
from zonetag_backend.roster.rows import Refused
from zonetag_backend.store import rosters
from zonetag_backend.store.engine import Transaction, refusals, writing
from zonetag_backend.store.engine import reading as reading_of

SAYS = {"read": "read", "check": "held against the register", "write": "written"}
EVERY = 1000  # rows between two lines, where they are kept in a file


def register(actions: Parsers) -> None:
    """Add the action to `zonetag person`."""
    parser = actions.add_parser(
        "import",
        help="a whole list of people: XLSX or CSV",
        description="Looks at a list (XLSX or CSV, at most 20,000 rows) and says what is wrong with which row; with"
        " --yes it is taken over, all of it or nothing: Ctrl-C in the middle, or a power cut, leaves the register as it"
        " was. How far it is, is told on standard error. Rows with problems are left out.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    parser.add_argument("--yes", action="store_true", help="take it over; else it is only looked at")
    add_where(parser)
    parser.set_defaults(run=_import)


def _import(args: argparse.Namespace) -> int:
    try:
        with args.file.open("rb") as file:
            data = file.read(reading.MOST_BYTES + 1)
    except OSError as error:
        raise BadValue(f"cannot read {args.file}: {error.strerror}") from error
    told = Told()
    try:
        looked = reading.look(data, told)
    except Refused as refused:
        raise BadValue(
            f"{args.file} is refused: {refused.code} (see zonetag's documents, People and tags)"
        ) from refused
    finally:
        told.end()
    with desk(args) as opened, refusals(opened.database):
        if not args.yes:
            with reading_of(opened.database) as connection:
                _say(_plan(connection, looked, told))
            print("Nothing has been changed. Take it over with --yes.")
            return 0
        rosters.prepare(looked.rows)
        with writing(opened.database) as connection:
            plan = _plan(connection, looked, told)
            taken = _take(opened, connection, plan, told)
    _say(plan)
    print(f"Taken over: {taken.new} new people, {taken.changed} changed, {taken.tags} tags handed out.")
    if taken.without:
        print(f"WARNING: {taken.without} got a tag and have not agreed: see /agreements of the pages.", file=sys.stderr)
    return 0


def _plan(connection: Transaction, looked: Looked, told: "Told") -> Plan:
    try:
        return planning.plan(looked.rows, rosters.known_people(connection), rosters.known_tags(connection), told)
    finally:
        told.end()


def _take(opened: Desk, connection: Transaction, plan: Plan, told: "Told") -> rosters.Taken:
    required = opened.config.subjects.consent_required
    try:
        return rosters.take_over(
            connection, opened.keyring(), plan, opened.now_ms, actor(), consent_required=required, tell=told
        )
    finally:
        told.end()


def _say(plan: Plan) -> None:
    for step in plan.steps:
        for code, about in step.problems:
            print(printable(f"row {step.row.where}: {code}{f' ({about})' if about else ''}"))
    print(
        f"{plan.count(planning.NEW)} new, {plan.count(planning.CHANGE)} changes, {plan.count(planning.SAME)} as they"
        f" are, {plan.tags} tags to hand out, {plan.count(planning.WRONG)} rows with problems."
    )


class Told:
    """How far it is, on standard error: one line that changes on a terminal, else a line now and then."""

    def __init__(self) -> None:
        """Nothing is told yet."""
        self._live = sys.stderr.isatty()
        self._stage = ""
        self._last = 0
        self._open = False

    def __call__(self, stage: str, done: int, total: int) -> None:
        if self._live:
            print(f"\r{self._words(stage, done, total)}", end="", file=sys.stderr, flush=True)
            self._open = True
        elif stage != self._stage or done - self._last >= EVERY or (total and done == total):
            print(self._words(stage, done, total), file=sys.stderr, flush=True)
            self._last = done
        self._stage = stage

    def end(self) -> None:
        """A stage is over."""
        if self._open:
            print(file=sys.stderr)
        self._open = False

    @staticmethod
    def _words(stage: str, done: int, total: int) -> str:
        return f"{done:,} of {total:,} rows {SAYS[stage]}" if total else f"{done:,} rows {SAYS[stage]}"
