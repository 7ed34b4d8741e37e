"""`zonetag key`: the key-encryption key, which opens all others."""

import argparse
from pathlib import Path

from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, desk
from zonetag_backend.errors import BadValue
from zonetag_backend.keyfile import CREDENTIAL, NEXT, asking_new, make, open_keyring, sync_folder
from zonetag_backend.keys import KEK, Keyring
from zonetag_backend.store import audit, secrets
from zonetag_backend.store.engine import reading, refusals, writing


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("key", help="the key that seals all others")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    shown = actions.add_parser("show", help="where it comes from, and how many keys it seals; never the key itself")
    add_where(shown)
    shown.set_defaults(run=_show)
    rotate = actions.add_parser(
        "rotate",
        help="a new one takes its place",
        description="Seals every data key under a new key-encryption key, in one transaction. The keys of tags stay as"
        " they are, and a running server reads the new key by itself. The old key file is gone afterwards: a backup"
        " made before is restored with the key file that belongs to it.",
    )
    rotate.add_argument("--to", choices=("file", "passphrase"), help="what the new one is; by default as the old one")
    add_where(rotate)
    rotate.set_defaults(run=_rotate)


def _show(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        keyring = opened.keyring()
        with reading(opened.database) as connection:
            print(f"Key {keyring.mark.hex()}, from {_origin(opened)}: seals {secrets.count(connection)} data keys.")
    return 0


def _origin(opened: Desk) -> str:
    if opened.config.key_source == "credential":
        return f"systemd's credential {CREDENTIAL}"
    return str(opened.config.key_file)


def _rotate(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        path, source = opened.config.key_file, opened.config.key_source
        if source == "credential":
            raise BadValue(
                f"the key is systemd's credential {CREDENTIAL}: copy it into {path}, set key_source to file, rotate,"
                " and make a new credential of the file with systemd-creds encrypt"
            )
        old = opened.keyring()
        kind = args.to or _kind(path)
        new = _next(path, kind, opened)
        with refusals(opened.database), writing(opened.database) as connection:
            n = secrets.rotate(connection, old, new)
            audit.record(connection, opened.now_ms, actor(), "key.rotate", new.mark.hex())
        path.with_name(path.name + NEXT).replace(path)
        sync_folder(path.parent)
    print(f"{n} data keys are under a new key now, {new.mark.hex()}. Back up {path} apart from the database.")
    return 0


def _kind(path: Path) -> str:
    return "file" if len(path.read_bytes()) == KEK else "passphrase"


def _next(path: Path, kind: str, opened: Desk) -> Keyring:
    """The new keyring, its file waiting beside the old one; one that waits from a rotation cut short is used again."""
    waiting = path.with_name(path.name + NEXT)
    # The old one opens the database, so nothing is under one that waits: it must not bind us to what was given up.
    if waiting.is_file() and _kind(waiting) != kind:
        waiting.unlink()
    make(waiting, kind)
    ask = asking_new(opened.config.passphrase_file) if kind == "passphrase" else None
    return open_keyring(waiting, kind, ask, may_create=False)
