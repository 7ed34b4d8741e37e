"""`zonetag tag find`, `update` and `links`: what tags are to be told over their link, and what they said."""

import argparse
import hashlib
from pathlib import Path

from zonetag_backend.cli.store import Parsers, actor, add_where, changing, looking, show
from zonetag_backend.clock import utc_ms
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.store import audit, tag_link, tags
from zonetag_protocol.linkmessage import FIND_ME_S

FIND_S = 60
MOST_BYTES = 512 * 1024  # a tag has no room for more
COLUMNS = ("number", "version", "battery", "uptime_s", "waiting", "passed_over", "faults", "gateway", "orders")


def register(actions: Parsers) -> None:
    """Add the actions to `zonetag tag`."""
    find = actions.add_parser("find", help="the tag blinks as soon as a gateway reaches it, within the hour")
    find.add_argument("number", metavar="NUMBER")
    find.add_argument(
        "--seconds", type=int, default=FIND_S, metavar="S", help=f"for how long (60; {FIND_ME_S} at most)"
    )
    add_where(find)
    find.set_defaults(run=_find)
    new = actions.add_parser("update", help="new firmware for a tag, or for all of them in stages")
    new.add_argument("number", metavar="NUMBER", nargs="?")
    new.add_argument("--all", action="store_true", help="one tag first, then a tenth, then all")
    new.add_argument("--firmware", type=Path, metavar="FILE", required=True, help="the archive (SPEC.md section 12.7)")
    new.add_argument("--version", metavar="1.2.3", required=True, help="its version, as the firmware itself says it")
    add_where(new)
    new.set_defaults(run=_update)
    links = actions.add_parser("links", help="what tags said over their link, and what they are still to be told")
    links.add_argument("--json", action="store_true", help="as JSON")
    add_where(links)
    links.set_defaults(run=_links)


def _find(args: argparse.Namespace) -> int:
    if not 0 <= args.seconds <= FIND_ME_S:
        raise BadValue(f"--seconds is 0 to {FIND_ME_S}")
    with changing(args) as (opened, connection):
        which = tags.find_tag(connection, args.number)
        tag_link.order_find(connection, which, args.seconds, opened.now_ms)
        audit.record(connection, opened.now_ms, actor(), "tag.order", args.number, "find")
    print(f"Tag {args.number} will blink when a gateway with link.enabled reaches it.")
    return 0


def _update(args: argparse.Namespace) -> int:
    if bool(args.number) == args.all:
        raise BadValue("name one tag, or say --all")
    try:
        version = ".".join(map(str, tag_link.version_of(args.version)))
        archive = args.firmware.read_bytes()
    except OSError as error:
        raise BadValue(f"cannot read {args.firmware}: {error.strerror}") from error
    except ValueError as error:
        raise BadValue("--version is three numbers of 0 to 255, as 1.2.3") from error
    if not 0 < len(archive) <= MOST_BYTES:
        raise BadValue(f"{args.firmware} is empty, or larger than a tag can hold")
    with changing(args) as (opened, connection):
        which = tags.in_use(connection) if args.all else [tags.find_tag(connection, args.number)]
        digest = hashlib.sha256(archive).digest()
        image = tag_link.add_firmware(connection, version, digest, archive, opened.now_ms)
        if image is None:
            raise AlreadyThere(f"there is another firmware of version {version}: give each its own")
        tag_link.order_update(connection, which, image, opened.now_ms)
        audit.record(connection, opened.now_ms, actor(), "tag.order", args.number or "all", f"update {version}")
    print(f"{len(which)} tags are to take firmware {version}; see zonetag tag links.")
    return 0


def _links(args: argparse.Namespace) -> int:
    with looking(args) as connection:
        show(tag_link.listed(connection, utc_ms()), args.json, COLUMNS)
    return 0
