"""`zonetag case`: cases, what was traced of them, the notices that follow, and cases of other offices."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, changing, desk, show
from zonetag_backend.cli.tracing import at, beginning_ms, called, day, hour, lines, profile_of
from zonetag_backend.clock import utc_ms
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.notices.settings import senders
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store import audit, cases, foreign, notices, registry
from zonetag_backend.store.engine import Transaction, refusals, writing
from zonetag_backend.store.retention import horizon_ms
from zonetag_backend.store.tracing import timezone, traced
from zonetag_backend.tracing import abroad
from zonetag_backend.tracing.outcome import Outcome
from zonetag_backend.tracing.profile import DAY_MS, DEFAULT, infectious


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("case", help="somebody fell ill: contacts, notices, other offices")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    new = actions.add_parser("open", help="enter a case; its contacts are traced and shown")
    new.add_argument("person", metavar="PERSON", help="staff number, or name if only one has it")
    new.add_argument("--day", type=day, required=True, metavar="DAY", help="of the first symptoms, or of the test")
    new.add_argument("--basis", choices=cases.BASES, default="onset", help="which of the two (onset)")
    new.add_argument("--profile", metavar="NAME", default=DEFAULT, help=f"disease ({DEFAULT})")
    new.add_argument("--reason", required=True, help="why it is entered; kept in the audit log")
    add_where(new)
    new.set_defaults(run=_open)
    for name, run, about in (
        ("trace", _again, "trace a case anew, as when late reports came, and show it"),
        ("notify", _notify, "send notices to its F1, each once"),
        ("close", _close, "close a case; what was not sent is sent no more"),
    ):
        action = actions.add_parser(name, help=about)
        action.add_argument("case", metavar="CASE", type=int, help="its number, as zonetag case list shows it")
        if name == "notify":
            action.add_argument("--language", choices=("vi", "en"), help="of the notices, if not as in the settings")
        add_where(action)
        action.set_defaults(run=run)
    listed = actions.add_parser("list", help="all cases")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)
    out = actions.add_parser("export", help="what another office needs to find the case there: no name, no key")
    out.add_argument("case", metavar="CASE", type=int)
    out.add_argument("file", metavar="FILE", type=Path)
    add_where(out)
    out.set_defaults(run=_export)
    into = actions.add_parser("import", help="find another office's case here")
    into.add_argument("file", metavar="FILE", type=Path)
    into.add_argument("--key", required=True, metavar="HEX", help="that office's key, as its export printed it")
    into.add_argument("--reason", required=True, help="kept in the audit log")
    add_where(into)
    into.set_defaults(run=_import)


def _open(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        who = registry.find_person(connection, args.person)
        onset_ms = beginning_ms(args.day, ZoneInfo(timezone(connection)))
        which = cases.open_case(
            connection,
            who,
            profile_of(opened, args.profile).name,
            onset_ms,
            args.basis,
            by=actor(),
            reason=args.reason,
            now_ms=opened.now_ms,
        )
        audit.record(connection, opened.now_ms, actor(), "case.open", which, args.reason)
        found = _traced(opened, connection, cases.case_of(connection, which))
    print(f"Case {which}.")
    print("\n".join(lines(found)))
    print(f"\nNext: zonetag case notify {which}")
    return 0


def _again(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        case = cases.case_of(connection, args.case, _floor_ms(opened))
        found = _traced(opened, connection, case)
        audit.record(connection, opened.now_ms, actor(), "contacts.read", args.case, case.reason)
    print("\n".join(lines(found)))
    return 0


def _floor_ms(opened: Desk) -> int:
    """What ended before this is not told any more."""
    return horizon_ms(opened.now_ms, opened.config.retention_days)


def _traced(opened: Desk, connection: Transaction, case: cases.Case) -> Outcome:
    profile = profile_of(opened, case.profile)
    low, high = infectious(profile, case.onset_ms)
    found = traced(
        connection,
        case.person,
        (low, min(high, opened.now_ms + DAY_MS)),
        profile,
        floor_ms=_floor_ms(opened),
        others_until=opened.now_ms,
    )
    cases.keep_exposures(connection, case.id, found, opened.now_ms)
    return found


def _notify(args: argparse.Namespace) -> int:
    with desk(args) as opened, refusals(opened.database):
        settings = opened.config.notices
        ways = senders(settings)
        if not ways:
            raise BadValue("no way out is set: notices.webhook_url or notices.mail_url in the settings")
        with writing(opened.database) as connection:
            new = notices.compose(
                connection,
                args.case,
                sorted(ways),
                language=args.language or settings.language,
                office=settings.office,
                now_ms=opened.now_ms,
                floor_ms=_floor_ms(opened),
            )
            audit.record(connection, opened.now_ms, actor(), "case.change", args.case, f"notices: {new}")
        sent, failed = notices.send_due(opened.database, ways, utc_ms)
    print(f"{new} new notices; {sent} sent, {failed} not taken (zonetag serve tries them again).")
    return 0 if not failed else 1


def _close(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        cases.close_case(connection, args.case, opened.now_ms)
        audit.record(connection, opened.now_ms, actor(), "case.close", args.case)
    print(f"Case {args.case} is closed.")
    return 0


def _list(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        audit.record(connection, opened.now_ms, actor(), "case.read")
        zone = ZoneInfo(timezone(connection))
        rows = [
            {
                "case": each.id,
                "person": each.code or each.name,
                "profile": each.profile,
                "day": datetime.fromtimestamp(each.onset_ms // 1000, UTC).astimezone(zone).date().isoformat(),
                "basis": each.basis,
                "open": each.closed_ms is None,
            }
            for each in cases.cases(connection, _floor_ms(opened))
        ]
        show(rows, args.json, ("case", "person", "profile", "day", "basis", "open"))
    return 0


def _export(args: argparse.Namespace) -> int:
    if args.file.exists():
        raise AlreadyThere(f"{args.file} is there already: choose another file")
    with changing(args) as (opened, connection):
        case = cases.case_of(connection, args.case, _floor_ms(opened))
        low, high = infectious(profile_of(opened, case.profile), case.onset_ms)
        window = (max(low, _floor_ms(opened)), min(high, opened.now_ms))
        sent = foreign.identifiers(connection, opened.keyring(), case.person, window)
        key = open_signing_key(opened.config.signing_key_file)
        office = opened.config.notices.office
        data = abroad.pack(abroad.Abroad(office, case.profile, *window, tuple(sent)), key)
        audit.record(connection, opened.now_ms, actor(), "export.make", f"case {case.id}")
    try:
        # Whoever holds it can see in their own records where that person was.
        with open(args.file, "xb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(data)
    except OSError as error:
        raise BadValue(f"cannot write {args.file}: {error.strerror}. Choose another place.") from error
    print(f"{args.file}: {len(sent)} identifiers. Give the other office this key on another way, by telephone say:")
    print(abroad.public_hex(key))
    return 0


def _import(args: argparse.Namespace) -> int:
    if not args.reason.strip():
        raise BadValue("another office's case is looked for here for a reason: say which")
    try:
        with args.file.open("rb") as file:
            data = file.read(abroad.MOST_BYTES + 1)
    except OSError as error:
        raise BadValue(f"cannot read {args.file}: {error.strerror}") from error
    came = abroad.unpack(data, args.key)
    with changing(args) as (opened, connection):
        own = abroad.public_hex(open_signing_key(opened.config.signing_key_file))
        abroad.check(came, args.key, own, opened.now_ms, _floor_ms(opened))
        zone = ZoneInfo(timezone(connection))
        found = foreign.match(connection, came, abroad.digest(data), by=actor(), now_ms=opened.now_ms)
        new = foreign.newest_import(connection, abroad.digest(data))
        audit.record(connection, opened.now_ms, actor(), "import.open", new, f"{came.office}: {args.reason}")
    print(f"{came.office}, {came.profile}: heard here {len(found)} times")
    for each in found:
        where = each.place if each.evidence == "place" else "tag heard tag"
        print(
            f"  {at(each.start_ms, zone)} - {hour(each.end_ms, zone)}  {where}: {', '.join(map(called, each.people))}"
        )
    return 0
