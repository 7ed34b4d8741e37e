"""`zonetag tag firmware`: pack compiled modules for tags; what the server has for them, and how to stop a roll-out."""

import argparse
from pathlib import Path

from zonetag_backend.cli.store import Parsers, actor, add_where, changing, looking, show
from zonetag_backend.cli.times import day_and_time
from zonetag_backend.clock import utc_ms
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.link.archive import NEEDED, PACKAGES
from zonetag_backend.store import audit, firmwares
from zonetag_protocol.linkmessage import pack_archive

MOST_STOPPERS = 20  # tags that are named, of those that stopped a roll-out
COLUMNS = ("version", "added", "state", "runs", *firmwares.STATES, "stopped_by")


def register(actions: Parsers) -> None:
    """Add the actions to `zonetag tag`."""
    parser = actions.add_parser("firmware", help="archives for zonetag tag update, and what became of them")
    which = parser.add_subparsers(required=True, metavar="ACTION")
    pack = which.add_parser("pack", help="make one of a folder that ./flash.sh --compile has filled")
    pack.add_argument("folder", type=Path, metavar="DIR")
    pack.add_argument("file", type=Path, metavar="FILE")
    pack.set_defaults(run=_pack)
    listed = which.add_parser("list", help="each firmware: its tags by what became of their order, and who stopped it")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)
    stop = which.add_parser("stop", help="no further tag takes it; one on trial decides by itself within a day")
    stop.add_argument("version", metavar="1.2.3")
    add_where(stop)
    stop.set_defaults(run=_stop)


def _pack(args: argparse.Namespace) -> int:
    try:
        paths = [path for package in PACKAGES for path in (args.folder / package).glob("*.mpy")]
        files = {path.relative_to(args.folder).as_posix(): path.read_bytes() for path in paths}
        lacking = [name for name in NEEDED if name not in files]
        if lacking:
            raise BadValue(
                f"{args.folder} has no {', '.join(lacking)}: fill it with ./flash.sh --compile {args.folder}"
            )
        archive = pack_archive(files)
        with args.file.open("xb") as file:
            file.write(archive)
    except FileExistsError:
        raise AlreadyThere(f"{args.file} is there already: choose another file") from None
    except OSError as error:
        raise BadValue(f"cannot make {args.file} of {args.folder}: {error}") from error
    print(f"{args.file}: {len(files)} modules, {len(archive)} bytes.")
    return 0


def _list(args: argparse.Namespace) -> int:
    now_ms = utc_ms()
    with looking(args) as connection:
        found = firmwares.versions(connection, now_ms)
        stoppers = {each.id: firmwares.stoppers(connection, each.id, now_ms, MOST_STOPPERS) for each in found}
    rows = [
        {
            "version": each.version,
            "added": day_and_time(each.added_ms),
            "bytes": each.size,
            "sha256": each.digest.hex(),
            "state": each.state,
            "runs": each.runs,
            **{state: each.orders[state] for state in firmwares.STATES},
            "stopped_by": ", ".join(f"{tag.number} ({tag.state})" for tag in stoppers[each.id]) or None,
        }
        for each in found
    ]
    show(rows, args.json, COLUMNS)
    return 0


def _stop(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        version, waited = firmwares.stop(connection, firmwares.with_version(connection, args.version), opened.now_ms)
        if waited:
            audit.record(connection, opened.now_ms, actor(), "tag.order", "all", f"stop {version}")
    print(f"{waited} tags no longer wait for firmware {version}; a tag on trial decides by itself within a day.")
    return 0
