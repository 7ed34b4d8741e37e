"""`zonetag retention`: what is held from when, and a round of expiry at once."""

import argparse

from zonetag_backend.cli.store import Parsers, add_where, desk
from zonetag_backend.cli.times import day_and_time
from zonetag_backend.store import retention
from zonetag_backend.store.engine import refusals


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "retention",
        help="how long anything about people is kept, and a round of expiry",
        description="A running server removes every hour what is older than the setting retention.days: rows, whole"
        " days of what was heard, and what the file and its log still hold of them. This command does the same now.",
    )
    parser.add_argument("--now", action="store_true", help="remove what is too old now")
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        days = opened.config.retention_days
        print(f"Kept for {days} days: nothing from before {day_and_time(opened.now_ms - days * retention.DAY_MS)}.")
        if args.now:
            with refusals(opened.database):
                gone = retention.expire(opened.database, opened.now_ms, days)
            for table, rows in sorted(gone.items()):
                print(f"  {table}: {rows} removed")
            if not gone:
                print("  nothing was too old")
    return 0
