"""`zonetag trace`: who was near somebody, who after them, and where."""

import argparse
import json
import sys
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, changing
from zonetag_backend.errors import BadValue
from zonetag_backend.reports.trace_xlsx import write_xlsx
from zonetag_backend.store import audit, registry, restrictions
from zonetag_backend.store.meetings import asks
from zonetag_backend.store.retention import horizon_ms
from zonetag_backend.store.tracing import timezone, traced
from zonetag_backend.tracing.chain import MAX_DEPTH
from zonetag_backend.tracing.outcome import Day, Found, Outcome, Who
from zonetag_backend.tracing.profile import DEFAULT, Profile

YEARS = range(2000, 2100)  # beyond them arithmetic on days and times fails


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "trace",
        help="who was near somebody, and who near those",
        description="Who may have been infected by somebody between two days, F1, F2 and so on, and where that person"
        " was. Whom somebody met is read by nobody without a reason, at the command line as on the pages: what was"
        " asked, by whom and why stands in the audit log, where the auditor finds it.",
    )
    parser.add_argument("person", metavar="PERSON", help="staff number, or name if only one has it")
    parser.add_argument("--since", type=day, required=True, metavar="DAY", help="first day, as 2026-03-05")
    parser.add_argument("--until", type=day, required=True, metavar="DAY", help="last day, included")
    parser.add_argument(
        "--reason", required=True, metavar="TEXT", help="why this is asked, for the auditor; kept in the audit log"
    )
    parser.add_argument("--depth", type=int, default=2, metavar="N", help=f"generations, 1 to {MAX_DEPTH} (2)")
    parser.add_argument("--backward", action="store_true", help="possible sources instead of possible contacts")
    parser.add_argument("--profile", metavar="NAME", default=DEFAULT, help=f"disease ({DEFAULT})")
    parser.add_argument(
        "--at-least",
        type=float,
        metavar="P",
        help="probability from which on a contact is listed, if not the profile's",
    )
    parser.add_argument(
        "--evidence", choices=("direct", "place"), help="only what tags heard of each other, or only shared places"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="as JSON")
    shown.add_argument("--xlsx", type=Path, metavar="FILE", help="into a workbook")
    add_where(parser)
    parser.set_defaults(run=_trace)


def day(text: str) -> date:
    """A day as people write it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day: write it as 2026-03-05") from None
    if found.year not in YEARS:
        raise argparse.ArgumentTypeError(f"{text!r} lies outside {YEARS.start} to {YEARS.stop - 1}")
    return found


def beginning_ms(of: date, zone: tzinfo) -> int:
    """When a day begins there, UTC ms."""
    return int(datetime.combine(of, time(), zone).timestamp()) * 1000


def profile_of(opened: Desk, name: str) -> Profile:
    """A profile of the settings; BadValue when there is none of that name."""
    found = opened.config.profiles.get(name)
    if found is None:
        raise BadValue(f"there is no profile {name}: one of {', '.join(sorted(opened.config.profiles))}")
    return found


def _trace(args: argparse.Namespace) -> int:
    if not 1 <= args.depth <= MAX_DEPTH:
        raise BadValue(f"--depth is 1 to {MAX_DEPTH}")
    if args.until < args.since:
        raise BadValue("--until lies before --since")
    if not args.reason.strip():
        raise BadValue("--reason is to say why this is asked")
    if args.at_least is not None and not 0 < args.at_least <= 1:
        raise BadValue("--at-least is a probability, from 0.01 to 1")
    with changing(args) as (opened, connection):  # changing: the audit log is written in the same transaction
        who = registry.find_person(connection, args.person)
        restrictions.refuse(connection, who)
        zone = ZoneInfo(timezone(connection))
        window = beginning_ms(args.since, zone), beginning_ms(args.until + timedelta(days=1), zone)
        floor_ms = horizon_ms(opened.now_ms, opened.config.retention_days)
        caution = _caution(bool(asks(connection, {who: window})), window, floor_ms, zone)
        found = traced(
            connection,
            who,
            window,
            profile_of(opened, args.profile),
            floor_ms=min(floor_ms, window[1]),
            depth=args.depth,
            backward=args.backward,
            at_least=args.at_least,
            evidence=[args.evidence] if args.evidence else (),
        )
        audit.record(connection, opened.now_ms, actor(), "contacts.trace", who, args.reason)
    if args.json:
        print(json.dumps(found.to_json(), ensure_ascii=False, indent=1))
    elif args.xlsx:
        write_xlsx(found, args.xlsx)
        print(f"Written: {args.xlsx}")
    else:
        print("\n".join(lines(found)))
    if caution:
        print(f"Note: {caution}", file=sys.stderr)
    return 0


def _caution(wore: bool, window: tuple[int, int], floor_ms: int, zone: tzinfo) -> str:
    """Why a list that names nobody may say nothing."""
    if window[1] <= floor_ms:
        return f"of those days nothing is kept; what is kept begins {at(floor_ms, zone)} (retention.days)"
    if not wore:
        return "this person wore no tag on those days; that nobody is listed says nothing"
    return f"nothing is kept from before {at(floor_ms, zone)} (retention.days)" if window[0] < floor_ms else ""


def lines(of: Outcome) -> list[str]:
    """A trace for a terminal; times are those of the site."""
    zone = ZoneInfo(of.timezone)
    letter, what = ("S", "possible source") if of.backward else ("F", "contact")
    told = [
        f"{called(of.person)}, {at(of.since_ms, zone)} to {at(of.until_ms, zone)} ({of.timezone}), {of.profile.name}:"
        f" {of.profile.minutes} minutes close within a day make a contact"
    ]
    for generation in range(1, of.depth + 1):
        some = [each for each in of.found if each.generation == generation]
        people = {each.who.id for each in some}
        told += ["", f"{letter}{generation}: {len(people)} {what}{'' if len(people) == 1 else 's'}"]
        for each in some:
            told += _found(each, generation, zone)
    told += ["", f"Places: {len(of.zones)}"]
    for stop in of.zones:
        told.append(f"  {at(stop.start_ms, zone)} - {hour(stop.end_ms, zone)}  {stop.place} ({stop.site})")
        told += [f"      {hour(o.start_ms, zone)} - {hour(o.end_ms, zone)}  {called(o.who)}" for o in stop.others]
    return told


def _found(each: Found, generation: int, zone: tzinfo) -> list[str]:
    through = f", through {called(each.through)}" if generation > 1 else ""
    chain = f" (whole chain {percent(each.chain_probability)})" if generation > 1 else ""
    return [f"  {called(each.who)}: {percent(each.probability)}{chain}{through}", *(_day(d, zone) for d in each.days)]


def _day(of: Day, zone: tzinfo) -> str:
    where = f" at {', '.join(of.places)}" if of.places else ""
    evidence = "tag heard tag" if of.evidence == "direct" else "same place"
    return (
        f"      {at(of.first_ms, zone)} - {hour(of.last_ms, zone)}  {evidence}{where}: close for {of.close_minutes:.0f}"
        f" min ({of.close_low:.0f} to {of.close_high:.0f}) of {of.together_minutes:.0f}; {percent(of.probability)}"
    )


def called(who: Who) -> str:
    """A person for a terminal."""
    code = f" ({who.code})" if who.code else ""
    return f"{who.name}{code}" if who.name else f"somebody removed{code}"


def percent(probability: float) -> str:
    """A probability as people say it; never quite certain."""
    return (
        "over 99 %"
        if probability > 0.99
        else "under 1 %"
        if probability < 0.01
        else f"{probability:.0%}".replace("%", " %")
    )


def at(utc_ms: int, zone: tzinfo) -> str:
    """Day and minute there."""
    return datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone).strftime("%Y-%m-%d %H:%M")


def hour(utc_ms: int, zone: tzinfo) -> str:
    """The minute alone."""
    return at(utc_ms, zone)[11:]
