"""`zonetag audit`: who read or did what, and whether the log is whole."""

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zonetag_backend import audit_files, audit_keeper
from zonetag_backend.audit_chain import Entry
from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, changing, desk, show
from zonetag_backend.errors import AuditError
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store import audit, audit_log
from zonetag_backend.store.engine import reading

LATEST = 100


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("audit", help="the audit log: who read or did what, and whether it is whole")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    verify = actions.add_parser(
        "verify",
        help="find what was changed, deleted, reordered or cut off",
        description="Follows the chain from the first entry to the last and checks it against the signed checkpoints:"
        " those in the database, and those that were kept elsewhere. Exit code 1 when anything is wrong.",
    )
    verify.add_argument("--checkpoints", type=Path, metavar="DIR", help="a folder of exported checkpoints")
    verify.add_argument("--key", type=Path, metavar="FILE", help="public key as zonetag audit key printed it")
    verify.add_argument("--json", action="store_true", help="as JSON")
    add_where(verify)
    verify.set_defaults(run=_verify)
    key = actions.add_parser("key", help="the public key of the checkpoints; keep it elsewhere")
    add_where(key)
    key.set_defaults(run=_key)
    for name, what, run in (("list", "the latest entries", _list), ("export", "every entry", _export)):
        parsed = actions.add_parser(name, help=what)
        if run is _list:
            for field in ("actor", "action", "about"):
                parsed.add_argument(f"--{field}", default="", metavar="TEXT", help="only entries with this")
        parsed.add_argument("--json", action="store_true", help="as JSON")
        add_where(parsed)
        parsed.set_defaults(run=run)


def _verify(args: argparse.Namespace) -> int:
    exported = audit_files.read(args.checkpoints) if args.checkpoints else []
    with desk(args) as opened:
        fits = audit_keeper.fits_of(audit_keeper.public_key(_key_text(args, opened)))
        with reading(opened.database) as connection:
            findings = audit_log.verify(connection, fits, exported)
            count = audit_log.head(connection)[0]
            signed = {each.seq for each in [*audit_log.checkpoints(connection), *exported]}
    if args.json:
        rows = [{"finding": each.code, "first": each.first, "last": each.last} for each in findings]
        print(json.dumps({"entries": count, "checkpoints": len(signed), "findings": rows}))
    elif not findings:
        print(f"The log is whole: {count} entries, {len(signed)} signed checkpoints.")
    else:
        for each in findings:
            what = f"entry {each.first}" if each.first == each.last else f"entries {each.first} to {each.last}"
            print(f"{each.code}: {what}")
    return 1 if findings else 0


def _key_text(args: argparse.Namespace, opened: Desk) -> str:
    if args.key is None:
        return open_signing_key(opened.config.signing_key_file).public_key().public_bytes_raw().hex()
    try:
        return str(args.key.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise AuditError(f"cannot read {args.key}: {error}. Give the file that zonetag audit key made.") from error


def _key(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        print(open_signing_key(opened.config.signing_key_file).public_key().public_bytes_raw().hex())
    return 0


def _list(args: argparse.Namespace) -> int:
    wanted = {name: getattr(args, name) for name in ("actor", "action", "about")}
    with changing(args) as (opened, connection):
        audit.record(connection, opened.now_ms, actor(), "audit.read")
        rows = _rows(reversed(audit_log.latest(connection, wanted, 2**62, LATEST)))
    show(rows, args.json, ("seq", "at_ms", "actor", "action", "about", "reason"))
    return 0


def _export(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        audit.record(connection, opened.now_ms, actor(), "audit.export")
        rows = _rows(audit_log.entries(connection))
    show(rows, args.json, ("seq", "at_ms", "actor", "action", "about", "reason", "previous", "hash"))
    return 0


def _rows(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    names = Entry.__slots__
    return [
        {name: value.hex() if isinstance(value := getattr(each, name), bytes) else value for name in names}
        for each in entries
    ]
