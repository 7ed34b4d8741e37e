"""`zonetag restore`: a backup back into a data folder, without what was to be forgotten meanwhile."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from zonetag_backend import backupfolder, backupkey
from zonetag_backend.cli.store import Desk, Parsers, actor
from zonetag_backend.cli.times import day_and_time
from zonetag_backend.clock import utc_ms
from zonetag_backend.config import load
from zonetag_backend.errors import BadValue
from zonetag_backend.keyfile import asking
from zonetag_backend.store import audit, copying, erasure, lists, retention, snapshot
from zonetag_backend.store.engine import Database, open_database, reading, refusals, writing


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "restore",
        help="put a backup back into a new data folder",
        description="Opens a backup with the private key that belongs to it, checks it, brings its database to this"
        " program's schema, and removes what is older than the retention time and whoever was erased since. The data"
        " folder must be empty or new: an old one is moved away by you, not overwritten. Stop the server first. If the"
        " settings name PostgreSQL, it goes into that database, which must be new.",
    )
    parser.add_argument("backup", type=Path, metavar="BACKUP", help="a file that zonetag backup made")
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help="the private key of backups")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="of that key; else it is asked")
    parser.add_argument("--data", required=True, metavar="DIR", help="the new data folder")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as in deploy/server.example.toml")
    parser.add_argument(
        "--erased",
        type=Path,
        metavar="FILE",
        help="erased.txt of the old data folder; one beside the backup is read anyway",
    )
    parser.set_defaults(run=_run)


@contextmanager
def closing_database(database: Database) -> Iterator[Database]:
    """It, for a while."""
    try:
        with refusals(database):
            yield database
    finally:
        database.dispose()


def _run(args: argparse.Namespace) -> int:
    into = Path(args.data)
    if into.exists() and any(into.iterdir()):
        raise BadValue(f"{into} is not empty: move it away first, it may hold what you want to restore")
    if args.erased is not None and not args.erased.is_file():
        raise BadValue(f"there is no file {args.erased}: it is called {backupfolder.ERASED} in the old data folder")
    ask = asking(args.passphrase_file)
    private = backupkey.private_key(args.key, ask() if ask is not None else "")
    now_ms = utc_ms()
    header = backupfolder.unpack(args.backup, private, into, now_ms)
    snapshot.check(into / backupfolder.DATABASE)
    config = load(args.config, {"data": args.data, "database": str(into / backupfolder.DATABASE)})
    with closing_database(open_database(config.database)) as database:
        opened = Desk(config, database, now_ms)
        opened.keyring()  # says so now if its key file does not belong to it
        within, beside = into / backupfolder.ERASED, args.backup.parent / backupfolder.ERASED
        before, told = backupfolder.erased(within), (beside, *filter(None, [args.erased]))
        erased = backupfolder.erased(within, *told)
        with writing(opened.database) as connection:
            known = set(erasure.there(connection, erased))
            for who in known:
                erasure.erase(connection, who)
            audit.record(connection, now_ms, actor(), "backup.restore", args.backup.name)
        backupfolder.note_erased(sorted({*erased} - {*before}), into)  # for when an older backup is restored
        gone = retention.expire(opened.database, now_ms, config.retention_days)
        with reading(opened.database) as connection:
            people, tags = len(lists.people(connection)), len(lists.tags(connection))
        wanted = load(args.config, {"data": args.data}).database
        if not wanted.startswith("sqlite:"):
            with closing_database(open_database(wanted)) as server:
                copying.copy(database, server, lambda _done, _whole: None)
    if not wanted.startswith("sqlite:"):
        (into / backupfolder.DATABASE).unlink()  # all of it stands in the server's database now
    print(
        f"{into} is as it was on {day_and_time(header.made_ms)}: {people} people, {tags} tags;"
        f" {sum(gone.values())} old rows and {len(known)} erased people are left out."
        f" Start: zonetag serve --data {into}"
    )
    return 0
