"""`zonetag door`: on which side of a door gateways hang, and who went through it which way."""

import argparse
from datetime import timedelta
from zoneinfo import ZoneInfo

from zonetag_backend.cli.store import Parsers, actor, add_where, changing, show
from zonetag_backend.cli.tracing import at, beginning_ms, day
from zonetag_backend.store import audit, doors, registry, restrictions
from zonetag_backend.store.retention import horizon_ms
from zonetag_backend.store.tracing import timezone
from zonetag_backend.tracing.passage import SIDES


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("door", help="which way somebody went through a door")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    side = actions.add_parser("side", help="say on which side of its site's door a gateway hangs")
    side.add_argument("gateway", metavar="GATEWAY")
    side.add_argument("side", metavar="SIDE", choices=(*SIDES, "none"), help="inside, outside, or none: beside no door")
    add_where(side)
    side.set_defaults(run=_side)
    log = actions.add_parser(
        "log",
        help="when somebody went in and out, by the gateways on both sides",
        description="When somebody went in and out. A person's ways are read by nobody without a reason: who asked and"
        " why stands in the audit log, where the auditor finds it.",
    )
    log.add_argument("person", metavar="PERSON", help="staff number, or name if only one has it")
    log.add_argument("--since", type=day, required=True, metavar="DAY", help="first day, as 2026-03-05")
    log.add_argument("--until", type=day, required=True, metavar="DAY", help="last day, included")
    log.add_argument(
        "--reason", required=True, metavar="TEXT", help="why this is asked, for the auditor; kept in the audit log"
    )
    log.add_argument("--json", action="store_true", help="as JSON")
    add_where(log)
    log.set_defaults(run=_log)


def _side(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        doors.set_side(connection, args.gateway, None if args.side == "none" else args.side)
        audit.record(connection, opened.now_ms, actor(), "gateway.side", args.gateway, args.side)
    print(f"{args.gateway}: {args.side}")
    return 0


def _log(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        who = registry.find_person(connection, args.person)
        restrictions.refuse(connection, who)
        zone = ZoneInfo(timezone(connection))
        low = max(beginning_ms(args.since, zone), horizon_ms(opened.now_ms, opened.config.retention_days))
        high = beginning_ms(args.until + timedelta(days=1), zone)
        found = doors.crossings_of(connection, who, (low, high)) if low < high else []
        audit.record(connection, opened.now_ms, actor(), "person.read", who, args.reason)
        rows = [
            {"site": site, "at": at(each.at_ms, zone), "way": "in" if each.inwards else "out"} for site, each in found
        ]
        show(rows, args.json, ("at", "way", "site"))
    return 0
