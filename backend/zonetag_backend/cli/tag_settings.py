"""`zonetag tag settings`: what a tag is to keep of the settings of SPEC.md section 12.7."""

import argparse

from zonetag_backend.cli.store import Parsers, actor, add_where, changing
from zonetag_backend.errors import BadValue
from zonetag_backend.store import audit, tag_link, tags
from zonetag_protocol import linkmessage as say

# Option -> setting, what its value is called, what it is for.
OPTIONS = {
    "look_every": (say.LOOK_EVERY, "N", "look for others in every N-th cell of 32 s: 1 to 32, 0 never"),
    "look_ms": (say.LOOK_MS, "MS", "length of a look: 50 to 2000, 0 as the card's interval asks"),
    "weakest": (say.WEAKEST, "DBM", "weakest signal that is logged, as 100 for -100 dBm: 40 to 127"),
    "connectable": (say.CONNECTABLE, "N", "a gateway may connect in one slot of N: 2 to 64"),
}


def register(actions: Parsers) -> None:
    """Add the action to `zonetag tag`."""
    parser = actions.add_parser("settings", help="what a tag is to do otherwise, told when a gateway next reaches it")
    parser.add_argument("number", metavar="NUMBER")
    for name, (_, value, text) in OPTIONS.items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, metavar=value, help=text)
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    values = {}
    for name, (setting, _, text) in OPTIONS.items():
        value = getattr(args, name)
        if value is None:
            continue
        # 0 of the last would keep every gateway from the tag, until it is reset: nobody could take it back.
        if not say.allowed(setting, value) or (setting == say.CONNECTABLE and not value):
            raise BadValue(f"--{name.replace('_', '-')} {value}: {text}")
        values[setting] = value
    if not values:
        raise BadValue("say what to set; see zonetag tag settings --help")
    with changing(args) as (opened, connection):
        which = tags.find_tag(connection, args.number)
        tag_link.order_settings(connection, which, values, opened.now_ms)
        audit.record(connection, opened.now_ms, actor(), "tag.order", args.number, "settings")
    print(f"Tag {args.number} is told when a gateway with link.enabled reaches it; see zonetag tag links.")
    return 0
