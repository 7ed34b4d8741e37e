"""`zonetag tag firmware pack`: a folder of compiled modules becomes the archive that tags take over their link."""

import argparse
from pathlib import Path

from zonetag_backend.cli.store import Parsers
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.link.archive import NEEDED, PACKAGES
from zonetag_protocol.linkmessage import pack_archive


def register(actions: Parsers) -> None:
    """Add the action to `zonetag tag`."""
    parser = actions.add_parser("firmware", help="archives for zonetag tag update")
    which = parser.add_subparsers(required=True, metavar="ACTION")
    pack = which.add_parser("pack", help="make one of a folder that ./flash.sh --compile has filled")
    pack.add_argument("folder", type=Path, metavar="DIR")
    pack.add_argument("file", type=Path, metavar="FILE")
    pack.set_defaults(run=_pack)


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
