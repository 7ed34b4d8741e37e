"""`zonetag battery`: how long a tag's battery lasts, by a stated model."""

import argparse
import json
from dataclasses import asdict

from zonetag_backend.batterylife import (
    BUILDS,
    CHIPS,
    HOURS_A_DAY,
    LOOK_EVERY,
    OWN,
    SOURCES,
    STOCK,
    Life,
    Range,
    life,
    look_ms_of,
)
from zonetag_protocol.contact import CELL_S

NAMES = {
    "chip": ("chip and radio, {}", "[1] [3]"),
    "board": ("board around the chip", "[5]"),
    "adverts": ("adverts, every {interval} ms", "[2]"),
    "frames": ("a new frame every 4 s", "[4]"),
    "looks": ("looks for other tags, {looks}", "[7]"),
    "link": ("the link", "[8]"),
}


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `battery`."""
    parser = subparsers.add_parser("battery", help="how long a tag's battery lasts, by a stated model")
    parser.add_argument("--board", choices=sorted(CHIPS), required=True, help="the tag's board")
    parser.add_argument(
        "--interval", type=int, default=1000, metavar="MS", help="advertising interval, default 1000 ms"
    )
    parser.add_argument("--capacity", type=int, default=500, metavar="MAH", help="the battery's, default 500 mAh")
    parser.add_argument("--build", choices=BUILDS, default=OWN, help="MicroPython: own (firmware/boards) or stock")
    parser.add_argument(
        "--look-every",
        type=int,
        default=LOOK_EVERY[2],
        metavar="N",
        help="looks for other tags in every Nth cell of 32 s; default 1, 0 for never",
    )
    parser.add_argument(
        "--look-ms", type=int, default=0, metavar="MS", help="length of a look; default: by the interval"
    )
    parser.add_argument("--crystal", action="store_true", help="a 32.768 kHz crystal is fitted (own build)")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    parser.set_defaults(run=_run, error=parser.error)


def lines(told: Life, build: str, crystal: bool, interval_ms: int, capacity_mah: int, *, looks: str) -> list[str]:
    """The table, the outcome, and where it all comes from."""
    asleep = "resting between adverts" if build == OWN else "never at rest (stock image)"
    if build == OWN and crystal:
        asleep = "resting (32.768 kHz crystal)"
    out = [f"{'mA':44}{'low':>8}{'likely':>8}{'high':>8}  source"]
    for key, part in told.parts.items():
        name, source = NAMES[key]
        out.append(_row(name.format(asleep, interval=interval_ms, looks=looks), part, source))
    out += [_row("together", told.current_ma, ""), ""]
    low, likely, high = (_time(hours) for hours in (told.hours.low, told.hours.likely, told.hours.high))
    out.append(f"{capacity_mah} mAh last about {likely} (between {low} and {high}; usable part of it: [6])")
    out += ["", "Nothing of this was measured on hardware by this project. Sources and estimates:", *SOURCES]
    return out


def _row(name: str, part: Range, source: str) -> str:
    return f"{name:44}{part.low:8.2f}{part.likely:8.2f}{part.high:8.2f}  {source}".rstrip()


def _time(hours: float) -> str:
    if hours < 2 * HOURS_A_DAY:
        return f"{hours:.0f} hours"
    return f"{hours / HOURS_A_DAY:.0f} days"


def _run(arguments: argparse.Namespace) -> int:
    if arguments.crystal and arguments.build == STOCK:
        arguments.error("a stock image makes no use of a crystal: --crystal belongs to --build own")
    try:
        told = life(
            CHIPS[arguments.board],
            build=arguments.build,
            crystal=arguments.crystal,
            interval_ms=arguments.interval,
            capacity_mah=arguments.capacity,
            look_every=arguments.look_every,
            look_ms=arguments.look_ms,
        )
    except ValueError as error:
        arguments.error(str(error))
    if arguments.json:
        about = {"board": arguments.board, "build": arguments.build, "crystal": arguments.crystal}
        about |= {"interval_ms": arguments.interval, "capacity_mah": arguments.capacity}
        about |= {"look_every": arguments.look_every, "look_ms": arguments.look_ms or look_ms_of(arguments.interval)}
        print(json.dumps(about | asdict(told) | {"measured": False, "sources": SOURCES}))
    else:
        length_ms = arguments.look_ms or look_ms_of(arguments.interval)
        looks = f"{length_ms} ms in {CELL_S * arguments.look_every} s" if arguments.look_every else "none"
        given = (arguments.build, arguments.crystal, arguments.interval, arguments.capacity)
        print("\n".join(lines(told, *given, looks=looks)))
    return 0
