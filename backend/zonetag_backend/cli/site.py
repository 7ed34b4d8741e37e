"""`zonetag site`: the sites, each with its own in-out book."""

import argparse

from zonetag_backend.cli.store import Parsers, actor, add_where, changing, looking, show
from zonetag_backend.store import audit, lists, registry


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("site", help="sites: each has an in-out book of its own")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="a new site")
    add.add_argument("name", metavar="NAME", help="as in MQTT topics: a-z, 0-9 and hyphens")
    add.add_argument("--title", default="", help="as people say it")
    add.add_argument("--timezone", default=registry.DEFAULT_TIMEZONE, help=f"({registry.DEFAULT_TIMEZONE})")
    add.add_argument(
        "--absence",
        type=int,
        default=registry.DEFAULT_ABSENCE_S,
        metavar="S",
        help=f"seconds unheard until somebody counts as out ({registry.DEFAULT_ABSENCE_S})",
    )
    add_where(add)
    add.set_defaults(run=_add)
    listed = actions.add_parser("list", help="all sites")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)


def _add(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        registry.add_site(connection, args.name, args.title, args.timezone, args.absence)
        audit.record(connection, opened.now_ms, actor(), "site.add", args.name)
    print(f"Site {args.name} is there. Next: zonetag place add {args.name} NAME --kind entrance")
    return 0


def _list(args: argparse.Namespace) -> int:
    with looking(args) as connection:
        show(lists.sites(connection), args.json, ("name", "title", "timezone", "absence_s"))
    return 0
