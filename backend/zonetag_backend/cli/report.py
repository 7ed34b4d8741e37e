"""`zonetag report`: papers into files, as the pages make them."""

import argparse
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from zonetag_backend import papers
from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, changing
from zonetag_backend.cli.tracing import day
from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.letterhead import head_of
from zonetag_backend.reports import consent_form, label_sheet, poster, visitor_slip
from zonetag_backend.reports.label_sheet import Label
from zonetag_backend.reports.table import Paper
from zonetag_backend.reports.visitor_slip import Slip
from zonetag_backend.reports.words import LANGUAGES
from zonetag_backend.store import audit, book, declarations
from zonetag_backend.store import papers as registers
from zonetag_backend.store.engine import Transaction
from zonetag_backend.store.tracing import timezone

Option = tuple[str, dict[str, Any]]
"""What `add_argument` takes."""


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("report", help="papers as PDF, XLSX or CSV: book, lists, report, labels, posters")
    actions = parser.add_subparsers(required=True, metavar="PAPER")
    of_site: Option = ("--site", {"metavar": "SITE", "help": "if there are several"})
    unit: Option = ("--unit", {"metavar": "UNIT", "help": "only tags of its people"})
    names: Option = ("--names", {"action": "store_true", "help": "print the wearers' names too"})
    made: list[tuple[str, str, Callable[[argparse.Namespace], int], list[Option]]] = [
        ("book", "the in-out book of a day", _book, [of_site, ("--day", {"type": day, "metavar": "DAY"})]),
        ("evacuation", "who is inside now", _evacuation, [of_site]),
        ("case", "contacts of a case", _case, [("case", {"type": int, "metavar": "CASE"}), _REASON]),
        (
            "adoption",
            "the use of tags, as a letter upwards",
            _adoption,
            [("--number", {"metavar": "N", "default": ""})],
        ),
        ("labels", "labels of tags", _labels, [unit, names]),
        ("poster", "for the entrance or the lift", _poster, [("place", {"choices": poster.PLACES}), of_site]),
        ("consent", "the form with which somebody agrees", _consent, []),
        ("visitor", "slips for visitors", _visitor, [("--tag", {"metavar": "NUMBER", "default": ""})]),
    ]
    for name, about, run, options in made:
        action = actions.add_parser(name, help=about)
        for option, settings in options:
            action.add_argument(option, **settings)
        out = action.add_mutually_exclusive_group(required=True)
        for form in papers.FORMS if name not in _SHEETS else ("pdf",):
            out.add_argument(f"--{form}", type=Path, metavar="FILE", help=f"write it as {form.upper()}")
        action.add_argument("--language", choices=LANGUAGES, default="vi", help="of the paper (vi)")
        add_where(action)
        action.set_defaults(run=run)


_SHEETS = ("poster", "consent", "visitor")
_REASON: Option = ("--reason", {"required": True, "help": "why; kept in the audit log"})


def _book(args: argparse.Namespace) -> int:
    def make(desk: papers.Desk, connection: Transaction) -> Paper:
        site = _site(connection, args.site)
        return papers.book(desk, connection, site, args.day or papers.local(desk.now_ms, site.zone).date())

    return _table(args, "book", make)


def _evacuation(args: argparse.Namespace) -> int:
    return _table(args, "evacuation", lambda desk, c: papers.evacuation(desk, c, _site(c, args.site)))


def _case(args: argparse.Namespace) -> int:
    if not args.reason.strip():
        raise BadValue("--reason is to say why this is printed")

    def make(desk: papers.Desk, connection: Transaction) -> Paper:
        audit.record(connection, desk.now_ms, actor(), "contacts.read", args.case, args.reason)
        return papers.case(desk, connection, args.case)

    return _table(args, f"case {args.case}", make)


def _adoption(args: argparse.Namespace) -> int:
    return _table(args, "adoption", lambda desk, connection: papers.adopted(desk, connection, args.number))


def _labels(args: argparse.Namespace) -> int:
    unit = args.unit or ""
    if args.pdf is None:
        return _table(args, "labels", lambda desk, connection: papers.labels(desk, connection, unit))
    with changing(args) as (opened, connection):
        desk = _desk(opened, args, connection)
        tags = [each for each in registers.tags(connection, unit) if each.state == "active"]
        sheet = [Label(each.number, each.name if args.names else "") for each in tags]
        audit.record(connection, desk.now_ms, actor(), "export.make", "labels", "pdf")
        return _write(args.pdf, label_sheet.render(sheet, desk.word("labels-none")))


def _poster(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        desk, link = _desk(opened, args, connection), _link(opened)
        if args.place == poster.DECLARATION:
            site = _site(connection, args.site)
            token = declarations.link_of(connection, site.name)
            if not token:
                raise NotFound(f"declarations are off at {site.name}: switch them on at the page /questions")
            link = f"{opened.config.pages_url.rstrip('/')}/declare/{token}"
        return _write(args.pdf, poster.render(args.place, desk.head, link, desk.language))


def _consent(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        desk = _desk(opened, args, connection)
        return _write(args.pdf, consent_form.render(desk.head, desk.retention_days, desk.language))


def _visitor(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        desk = _desk(opened, args, connection)
        found = registers.tags(connection, only=args.tag, visitors=True) if args.tag else []
        if args.tag and not found:
            raise NotFound(f"there is no tag {args.tag}: zonetag tag list shows all")
        host, lent_ms = registers.visit_of(connection, args.tag)
        came = f"{papers.local(lent_ms, ZoneInfo(timezone(connection))):%H:%M %d/%m/%Y}" if lent_ms else ""
        slip = Slip(found[0].number, found[0].name, host, came) if found else None
        until = desk.kept(_today(desk, connection))
        audit.record(connection, desk.now_ms, actor(), "export.make", "visitor", "pdf")
        return _write(args.pdf, visitor_slip.render(desk.head, _link(opened), until, desk.language, slip))


def _table(args: argparse.Namespace, about: str, make: Callable[[papers.Desk, Transaction], Paper]) -> int:
    form, path = next((form, path) for form in papers.FORMS if (path := getattr(args, form)) is not None)
    with changing(args) as (opened, connection):
        paper = make(_desk(opened, args, connection), connection)
        audit.record(connection, opened.now_ms, actor(), "export.make", about, form)
    return _write(path, papers.RENDERERS[form](paper))


def _desk(opened: Desk, args: argparse.Namespace, connection: Transaction) -> papers.Desk:
    return papers.Desk(
        head_of(opened.config.office, connection), opened.config.retention_days, args.language, opened.now_ms
    )


def _link(opened: Desk) -> str:
    return opened.config.office.link or f"{opened.config.pages_url.rstrip('/')}/mine"


def _today(desk: papers.Desk, connection: Transaction) -> date:
    return papers.local(desk.now_ms, ZoneInfo(timezone(connection))).date()


def _site(connection: Transaction, name: str | None) -> book.Site:
    sites = book.sites(connection)
    if name is None and len(sites) == 1:
        return sites[0]
    known = ", ".join(each.name for each in sites) or "none yet: zonetag site add makes one"
    found = next((each for each in sites if each.name == name), None)
    if found is None:
        raise NotFound(f"--site says which site: {known}")
    return found


def _write(path: Path, data: bytes) -> int:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadValue(f"cannot write {path}: {error.strerror}. Choose another place.") from error
    print(f"Written: {path}")
    return 0
