"""`zonetag backup`: a copy of everything, made while the server runs, sealed to a key that is kept off the machine."""

import argparse
import sys
from pathlib import Path

from zonetag_backend import backupfolder, backupkey
from zonetag_backend.backup import back_up
from zonetag_backend.cli.store import Parsers, actor, add_where, desk
from zonetag_backend.cli.times import day_and_time
from zonetag_backend.config import Config
from zonetag_backend.errors import BadValue
from zonetag_backend.keyfile import asking_new


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser(
        "backup",
        help="copy everything, sealed, while the server runs",
        description="Copies the database, the keys and the certificates into one sealed file, and deletes backups that"
        " have expired. Once before: zonetag backup --new-key FILE, and FILE goes into a safe: without it no backup"
        " can be opened, with it and a backup anybody can read everything. A running server does this by itself when"
        " backup.dir is set. zonetag restore puts one back.",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, metavar="DIR", help="where to; by default the setting backup.dir"
    )
    parser.add_argument("--new-key", type=Path, metavar="FILE", help="make the key pair; the private half goes to FILE")
    parser.add_argument("--passphrase-file", type=Path, metavar="FILE", help="of that private key; else it is asked")
    parser.add_argument("--list", action="store_true", help="show the backups that are there, and make none")
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        if args.new_key:
            return _new_key(args, opened.config)
        folder = args.folder or opened.config.backup_dir
        if folder is None:
            raise BadValue("say where to: zonetag backup DIR, or set backup.dir")
        if args.list:
            return _list(folder)
        path = back_up(opened.config, opened.database, folder, opened.now_ms, actor=actor(), progress=_progress)
        print(f"{path} holds everything until {_until(folder, path)}. Try it: zonetag restore --help")
    return 0


def _progress(done: int, whole: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{100 * done // max(whole, 1)} % ", end="\n" if done == whole else "", file=sys.stderr, flush=True)


def _new_key(args: argparse.Namespace, config: Config) -> int:
    backupkey.make(args.new_key, config.data, asking_new(args.passphrase_file)())
    print(f"{args.new_key} opens every backup from now on. Keep it off this machine: on a stick in a safe, and a copy.")
    return 0


def _list(folder: Path) -> int:
    found = backupfolder.backups(folder)
    for backup in found:
        print(
            f"{backup.path}  made {day_and_time(backup.header.made_ms)}  until {day_and_time(backup.header.expires_ms)}"
        )
    if not found:
        print(f"There is no backup in {folder}. Make one: zonetag backup {folder}")
    return 0


def _until(folder: Path, path: Path) -> str:
    [ends] = [backup.header.expires_ms for backup in backupfolder.backups(folder) if backup.path == path]
    return day_and_time(ends)
