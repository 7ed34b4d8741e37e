"""`zonetag person`: who wears tags."""

import argparse

from zonetag_backend.cli.store import Parsers, add_where, changing, looking, show
from zonetag_backend.store import lists, registry


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("person", help="people who wear tags")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="a new person")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--unit", default="", help="department or class")
    add.add_argument("--code", help="the office's own staff number")
    add_where(add)
    add.set_defaults(run=_add)
    remove = actions.add_parser("remove", help="remove the name; the log stays, nameless")
    remove.add_argument("person", metavar="PERSON", help="staff number, or name if only one has it")
    add_where(remove)
    remove.set_defaults(run=_remove)
    listed = actions.add_parser("list", help="all people and their tags")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)


def _add(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        registry.add_person(connection, args.name, args.unit, args.code, opened.now_ms)
    print(f"{args.name} is there. Next: zonetag tag give NUMBER {args.code or repr(args.name)}")
    return 0


def _remove(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        registry.remove_person(connection, registry.find_person(connection, args.person), opened.now_ms)
    print(f"{args.person} is removed, and wears no tag.")
    return 0


def _list(args: argparse.Namespace) -> int:
    with looking(args) as connection:
        show(lists.people(connection), args.json, ("name", "unit", "code", "tag"))
    return 0
