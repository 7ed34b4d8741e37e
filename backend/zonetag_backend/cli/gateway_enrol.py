"""`zonetag gateway enrol`: prints the one-time token that lets a gateway in, and what to type there."""

import argparse
from collections.abc import Callable

from zonetag_backend.cli.store import Parsers, actor, add_where, changing
from zonetag_backend.enrolment_server import url_of
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.store import audit, registry, signing_keys, tokens
from zonetag_backend.store.engine import Transaction

LetIn = Callable[[Transaction, argparse.Namespace, int, list[str]], None]
"""Registers the gateway of the arguments at `now_ms`, and notes what else it made."""


def register(actions: Parsers, let_in: LetIn) -> None:
    """Add the action to `zonetag gateway`."""
    parser = actions.add_parser("enrol", help="print the token with which a gateway gets its keys and certificate")
    parser.add_argument("name", metavar="NAME", help="the gateway's; it is registered if it is not yet")
    parser.add_argument("--site", help="of a gateway that is new: as for add")
    parser.add_argument("--place", help="of a gateway that is new: as for add")
    parser.add_argument("--kind", choices=registry.PLACE_KINDS, help="of a place that is made (room)")
    parser.add_argument(
        "--hours", type=_hours, default=tokens.LASTS_H, metavar="H", help=f"how long it counts ({tokens.LASTS_H})"
    )
    add_where(parser)
    parser.set_defaults(run=lambda args: _run(args, let_in))


def _run(args: argparse.Namespace, let_in: LetIn) -> int:
    made: list[str] = []
    with changing(args) as (opened, connection):
        url = url_of(opened.config)
        ca = OfficeCa.open(opened.config.data)
        if signing_keys.site_of(connection, args.name) is None:
            let_in(connection, args, opened.now_ms, made)
        site = signing_keys.site_of(connection, args.name) or ""
        token = tokens.make(connection, (args.name, site), ca.pin, opened.now_ms, args.hours)
        audit.record(connection, opened.now_ms, actor(), "gateway.enrol", args.name, "token made")
    for line in made:
        print(line)
    print(f"Within {args.hours} hours, and once, type this at the gateway {args.name} of site {site}:\n")
    print(f"  sudo zonetag-gateway enrol {url} {token.text}\n")
    return 0


def _hours(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 30 * 24:
        return int(text)
    raise argparse.ArgumentTypeError("1 to 720 hours")
