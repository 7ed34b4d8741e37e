"""`zonetag place`: the places of a site, entrances and rooms."""

import argparse

from zonetag_backend.cli.store import Parsers, actor, add_where, changing, looking, show
from zonetag_backend.store import audit, lists, registry


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("place", help="places of a site: entrances and rooms")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="a new place")
    add.add_argument("site", metavar="SITE")
    add.add_argument("name", metavar="NAME", help="as people say it")
    add.add_argument("--kind", choices=registry.PLACE_KINDS, default="room", help="(room)")
    add_where(add)
    add.set_defaults(run=_add)
    listed = actions.add_parser("list", help="all places")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)


def _add(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        new = registry.add_place(connection, args.site, args.name, args.kind)
        audit.record(connection, opened.now_ms, actor(), "place.add", new)
    print(f"Place {args.name} is there. Next: zonetag gateway add NAME --site {args.site} --place {args.name!r}")
    return 0


def _list(args: argparse.Namespace) -> int:
    with looking(args) as connection:
        show(lists.places(connection), args.json, ("site", "name", "kind"))
    return 0
