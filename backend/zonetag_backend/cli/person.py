"""`zonetag person`: who wears tags."""

import argparse

from zonetag_backend import backupfolder
from zonetag_backend.cli import person_import
from zonetag_backend.cli.store import Parsers, actor, add_where, changing, desk, show
from zonetag_backend.errors import BadValue
from zonetag_backend.store import audit, erasure, lists, registry, retention
from zonetag_backend.store.engine import refusals, writing


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
    gone = actions.add_parser(
        "erase",
        help="erase all that is held about somebody",
        description="Erases the name, all that was heard while they wore a tag, and the keys of the tags that they"
        " wear now: these are out of use until they are flashed anew. To keep such a tag in use, take it back first"
        " (zonetag tag take). Backups forget within the retention time.",
    )
    gone.add_argument("person", metavar="PERSON", help="staff number, or name if only one has it")
    gone.add_argument("--reason", default="", help="kept in the audit log, beside a number that stands for nobody then")
    gone.add_argument("--yes", action="store_true", help="really; it cannot be undone")
    add_where(gone)
    gone.set_defaults(run=_erase)
    person_import.register(actions)
    listed = actions.add_parser("list", help="all people and their tags")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)


def _add(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        new = registry.add_person(connection, args.name, args.unit, args.code, opened.now_ms)
        audit.record(connection, opened.now_ms, actor(), "person.add", new)
    print(f"{args.name} is there. Next: zonetag tag give NUMBER {args.code or repr(args.name)}")
    return 0


def _erase(args: argparse.Namespace) -> int:
    with desk(args) as opened, refusals(opened.database):
        with writing(opened.database) as connection:
            who = registry.find_person(connection, args.person)
            if not args.yes:
                raise BadValue(f"all that is held about {args.person} would be gone for good: type it again with --yes")
            audit.record(connection, opened.now_ms, actor(), "person.erase", who, args.reason)
            erased = erasure.erase(connection, who)
        retention.empty_log(opened.database)  # else the name stays in the file until the next hourly round
        data, backups = opened.config.data, opened.config.backup_dir
    backupfolder.note_erased([who], data, backups)
    print(f"Erased, with {erased.rows} entries of the book and of what was heard.")
    for number in erased.tags:
        print(f"Tag {number} is out of use: its key is destroyed. Flash it anew, under a number that is new.")
    if backups is None:
        print(
            "Backups made so far hold them until they expire (backup.dir is not set): keep a copy of"
            f" {data / backupfolder.ERASED} beside them, or name it to zonetag restore --erased."
        )
    return 0


def _list(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        audit.record(connection, opened.now_ms, actor(), "people.read")
        show(lists.people(connection), args.json, ("name", "unit", "code", "tag"))
    return 0
