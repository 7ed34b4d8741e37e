"""`zonetag demo`: the whole path on this machine, for whoever wants to see it before buying anything."""

import argparse
import importlib
import signal
from pathlib import Path

SPEED = 30.0  # an office fills in a minute, the first go out after two, and a day takes twenty
PORT = 8765
DAYS = 3  # enough for a case with contacts of contacts: 2 days before onset, and a day between the generations
MOST_DAYS = 10


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("demo", help="a simulated office on this machine, with everything else real")
    parser.add_argument("--for", dest="seconds", type=_positive, metavar="S", help="end by itself after S seconds")
    parser.add_argument(
        "--speed", type=_positive, default=SPEED, metavar="N", help=f"times as fast as life ({SPEED:g})"
    )
    parser.add_argument("--seed", type=_seed, default=1, metavar="N", help="another office day for each number (1)")
    parser.add_argument(
        "--days",
        type=_days,
        default=DAYS,
        metavar="N",
        help=f"working days of the past that it begins with, 0 to {MOST_DAYS}; each takes some seconds ({DAYS})",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object at the end: the truth and what was found"
    )
    parser.add_argument(
        "--port", type=_port, default=PORT, help=f"of the page; the next free one if it is taken ({PORT})"
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep database and spools there; a new folder")
    parser.add_argument(
        "--database", default="", metavar="URL", help="instead of a file in that folder; a new one, as postgresql://..."
    )
    parser.add_argument("--no-open", action="store_true", help="open no browser")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """The command; its exit code."""
    interrupted: list[int] = []
    # What follows imports much, which takes a second: an impatient Ctrl-C is kept until there is something to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: interrupted.append(number))
    code: int = importlib.import_module("zonetag_backend.cli.demo_run").run(args, interrupted)
    return code


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError("a number above 0 wanted")
    return number


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError("a whole number from 0 wanted")
    return int(text)


def _days(text: str) -> int:
    if not text.isdecimal() or int(text) > MOST_DAYS:
        raise argparse.ArgumentTypeError(f"a whole number from 0 to {MOST_DAYS} wanted")
    return int(text)


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError("a whole number from 0 to 65535 wanted")
    return int(text)
