"""`zonetag-gateway enrol`: this gateway is let in by a token that the server has printed."""

import argparse
import json
import ssl
from pathlib import Path
from typing import Any

from zonetag_gateway import tls
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import load
from zonetag_gateway.enrolling import Enrolled, enrol
from zonetag_gateway.errors import ConfigFaults
from zonetag_gateway.renewal import EARLIEST_MS

DEFAULT_DIR = Path("/var/lib/zonetag-gateway/identity")
DEFAULT_CONFIG = Path("/etc/zonetag/gateway.toml")


def register(commands: Any) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("enrol", help="be let in by the office's server, with the token that it has printed")
    parser.add_argument("url", metavar="URL", help="https://HOST[:PORT], as `zonetag gateway enrol` prints it")
    parser.add_argument("token", metavar="TOKEN")
    parser.add_argument(
        "--dir", type=Path, metavar="DIR", help=f"where keys and certificate go (identity.folder, or {DEFAULT_DIR})"
    )
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help=f"the configuration; written if it is not there ({DEFAULT_CONFIG})"
    )
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    config = args.config or DEFAULT_CONFIG
    folder = args.dir or _folder(config)
    done = enrol(args.url, args.token, folder, _trust)
    print(f"This gateway is {'already ' if done.again else ''}enrolled as {done.name} of site {done.site}.")
    lines = _lines(done, folder)
    if config.exists():
        print(f"In {config} there must stand:\n\n{lines}")
    else:
        try:
            config.parent.mkdir(parents=True, exist_ok=True)
            with config.open("x", encoding="utf-8") as file:
                file.write(lines)
            print(f"{config} is written. Start it: zonetag-gateway run --config {config}")
        except OSError as error:
            print(f"{config} cannot be written ({error.strerror}). In the configuration there must stand:\n\n{lines}")
    return 0


def _folder(config: Path) -> Path:
    """Where the configuration says that the identity is; one that is not finished yet need not say it."""
    try:
        return load(config).identity.folder or DEFAULT_DIR
    except ConfigFaults:
        return DEFAULT_DIR


def _lines(done: Enrolled, folder: Path) -> str:
    text = json.dumps  # a JSON string is a TOML string
    return (
        f"site = {text(done.site)}\nname = {text(done.name)}\n\n"
        f"[broker]\nurl = {text(done.broker)}\n\n"
        f"[identity]\nfolder = {text(str(folder.absolute()))}\n"
    )


def _trust(root: str) -> ssl.SSLContext:
    """A Raspberry Pi out of its box lives in the past; then the pin alone must do, and does."""
    return tls.of_root(root, check_time=SystemClock().now().utc_ms >= EARLIEST_MS)
