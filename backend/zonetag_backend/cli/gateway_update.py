"""`zonetag gateway update`: has a gateway install another version, and waits for what becomes of it (SPEC.md 8.4)."""

import argparse
import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

from zonetag_backend.cli.gateway_command import ANSWER_S, Wish, operator, send, site_of, tell
from zonetag_backend.cli.store import Parsers, actor, add_where, changing, settings
from zonetag_backend.enrolment_server import UPDATES
from zonetag_backend.errors import RegistryError
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store import audit
from zonetag_protocol.update import MAX_PACKAGE, Order, seal

FETCH_S = 300.0  # 25 MB over a bad line, before the gateway's first answer
TRIAL_S = 1900.0  # a Pi makes its Python environment anew, has 300 s to hear and deliver, and may have to go back
_NAME = re.compile(r"zonetag-gateway_([0-9][A-Za-z0-9.+~-]{0,63})_[a-z0-9]+\.deb")


@dataclass(frozen=True, slots=True)
class Package:
    """A file of `make deb`."""

    version: str
    # as its name says; the gateway looks inside
    sha256: bytes
    size: int
    # bytes


def register(actions: Parsers) -> None:
    """Add the action to `zonetag gateway`."""
    parser = actions.add_parser("update", help="have a gateway install another version; it goes back if that fails")
    parser.add_argument("name", metavar="NAME", help="the gateway's")
    parser.add_argument("file", metavar="FILE.deb", type=Path, help="as make deb has named it")
    parser.add_argument("--site", help="the site of the gateway; needed if two sites have one of this name")
    parser.add_argument("--broker", metavar="URL", help="mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    parser.add_argument(
        "--wait", type=float, default=ANSWER_S + FETCH_S, metavar="S", help="seconds for the first answer (315)"
    )
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    site = site_of(args)
    config = settings(args, **{"broker.url": args.broker})
    package = lay_down(args.file, config.data / UPDATES)
    with changing(args) as (opened, connection):
        audit.record(connection, opened.now_ms, actor(), "gateway.update", args.name, package.version)
        signed_ms = opened.now_ms
    order = Order(site, args.name, package.version, package.sha256, package.size, signed_ms)
    wish = Wish(site, args.name, "update", {"order": seal(order, open_signing_key(config.signing_key_file)).hex()})
    return tell(wish, send(operator(config), wish, args.wait, TRIAL_S))


def lay_down(file: Path, folder: Path) -> Package:
    """Copy a package to where gateways fetch it; RegistryError for what is none."""
    named = _NAME.fullmatch(file.name)
    if named is None:
        raise RegistryError(f"{file.name} is no package of ours: make deb names it zonetag-gateway_VERSION_ARCH.deb")
    try:
        content = file.read_bytes()
        if not 0 < len(content) <= MAX_PACKAGE:
            raise RegistryError(f"{file} has {len(content)} bytes: a package has at most {MAX_PACKAGE}")
        package = Package(named[1], hashlib.sha256(content).digest(), len(content))
        folder.mkdir(mode=0o755, exist_ok=True)
        draft = folder / f".{package.sha256.hex()}"
        with draft.open("wb") as made:
            made.write(content)
            made.flush()
            os.fsync(made.fileno())
        draft.replace(folder / package.sha256.hex())
    except OSError as error:
        raise RegistryError(f"{error.filename or file}: {error.strerror}") from error
    return package
