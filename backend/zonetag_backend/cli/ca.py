"""`zonetag ca`: the office's certificate authority: made once, looked at, and renewed from the root every few years."""

import argparse
import json
import sys
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

from zonetag_backend import ca_keeper
from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, desk
from zonetag_backend.errors import AlreadyThere, PkiError
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority, watch
from zonetag_backend.pki.folder import ROOT_FILE, Folder, read_root, write_root
from zonetag_backend.store import audit, certificates
from zonetag_backend.store.engine import reading, refusals, writing

DAY_MS = watch.DAY_MS
WHAT_TO_DO = {
    watch.ROOT: "a new root is a new start: every gateway has to be enrolled again",
    watch.ISSUING: "fetch the root and type: zonetag ca renew --root DIR",
    watch.CRL: "is zonetag serve at work, and may it write the broker's folder?",
    "client": "is zonetag serve at work?",
    "server": "is zonetag serve at work, and may it write the broker's folder?",
    "gateway": "it should have renewed by itself: is it online? Otherwise enrol it again",
}


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("ca", help="the office's certificate authority: gateways, broker and server trust it")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    init = actions.add_parser("init", help="make the root and the issuing authority; once")
    init.add_argument("--root-out", type=Path, required=True, metavar="DIR", help="for the root, as on a USB stick")
    _passphrase_option(init)
    add_where(init)
    init.set_defaults(run=_init)
    shown = actions.add_parser("show", help="when each certificate, and the list of revoked ones, ends")
    shown.add_argument("--json", action="store_true", help="as JSON")
    add_where(shown)
    shown.set_defaults(run=_show)
    renew = actions.add_parser("renew", help="a new certificate for the issuing authority, from the root")
    renew.add_argument("--root", type=Path, required=True, metavar="DIR", help=f"folder of {ROOT_FILE}, or the file")
    renew.add_argument(
        "--new-key", action="store_true", help="after a theft: what was signed so far counts no longer; all enrol again"
    )
    _passphrase_option(renew)
    add_where(renew)
    renew.set_defaults(run=_renew)


def _passphrase_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--passphrase-file", type=Path, metavar="FILE", help="holds the root's passphrase; asked for if not given"
    )


def _init(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        folder = Folder(opened.config.data)
        if folder.is_there:
            raise AlreadyThere(
                f"there is a certificate authority already in {folder.path}. To see it: zonetag ca show."
                " For a new certificate of it: zonetag ca renew --root DIR"
            )
        out = args.root_out.absolute()
        if out.is_relative_to(opened.config.data.absolute()):
            raise PkiError(
                f"{out} is in the data folder: the root must not lie beside what it is kept safe from."
                " Give a folder on a USB stick, or on another machine."
            )
        root = authority.init_root(opened.now_ms)
        path = write_root(out, root, _passphrase(args.passphrase_file, twice=True))
        folder.create(authority.init_issuing(root, opened.now_ms), root.certificate)
        _keep(opened, "ca.init")
    print(f"The root is in {path}, under your passphrase. Nothing needs it for years.")
    print("Now: copy that file to two USB sticks, lock them up in two places, write the passphrase on paper, keep it")
    print(f"apart from them, and delete {path} if it is on a disk of this machine.")
    print(
        "Whoever has both can pass for every gateway; if both are lost, every gateway is enrolled again in five years."
    )
    print("Next: zonetag broker config --out DIR --host NAME")
    return 0


def _renew(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        folder = Folder(opened.config.data)
        root = read_root(args.root, _passphrase(args.passphrase_file, twice=False))
        key = None
        if folder.is_there:
            before = folder.open()
            if before.root != root.certificate:
                raise PkiError("that is the root of another office: this one's issuing authority is not signed by it")
            key = None if args.new_key else before.issuing.key
        folder.create(authority.init_issuing(root, opened.now_ms, key), root.certificate, replace=True)
        if args.new_key:
            with writing(opened.database) as connection:
                certificates.revoke_other_issuers(connection, OfficeCa.open(folder.data).issuer, opened.now_ms)
        _keep(opened, "ca.renew")
        issuing = folder.open().issuing.certificate
    print(f"{authority.common_name(issuing)} is good until {_day(authority.span_ms(issuing)[1])}.")
    if key is None:
        print("Its key is new: restart the broker and zonetag serve, and enrol every gateway again.")
    return 0


def _keep(opened: Desk, action: str) -> None:
    with refusals(opened.database):
        with writing(opened.database) as connection:
            audit.record(connection, opened.now_ms, actor(), action)
        ca_keeper.keep(opened.database, OfficeCa.open(opened.config.data), opened.now_ms)


def _show(args: argparse.Namespace) -> int:
    with desk(args) as opened, refusals(opened.database), reading(opened.database) as connection:
        ca = OfficeCa.open(opened.config.data)
        terms = ca_keeper.terms(connection, ca, opened.now_ms)
    if args.json:
        rows = [{"what": each.what, "name": each.name, "ends_ms": each.ends_ms, "level": each.level} for each in terms]
        print(json.dumps({"pin": ca.pin.hex(), "terms": rows}, indent=1))
    else:
        print(f"SHA-256 of the root's public key: {ca.pin.hex()}")
        for each in terms:
            left = (each.ends_ms - opened.now_ms) // DAY_MS
            ends = f"until {_day(each.ends_ms)}, {left} days" if each.ends_ms else "not there"
            print(f"{each.level:7} {each.what:8} {each.name:32} {ends}")
        for what in dict.fromkeys(each.what for each in terms if each.level != watch.OK):
            print(f"{what}: {WHAT_TO_DO[what]}", file=sys.stderr)
    return 1 if watch.worst(terms) in (watch.URGENT, watch.ENDED) else 0


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).date().isoformat()


def _passphrase(file: Path | None, *, twice: bool) -> str:
    if file is not None:
        try:
            return file.read_text().partition("\n")[0]
        except (OSError, UnicodeDecodeError) as error:
            raise PkiError(f"cannot read the passphrase in {file}: {error}") from error
    if not sys.stdin.isatty():
        raise PkiError("there is no terminal to ask for the root's passphrase: give --passphrase-file FILE")
    given = getpass("Passphrase of the root: ")
    if twice and getpass("Once more: ") != given:
        raise PkiError("the two are not the same; nothing was made")
    return given
