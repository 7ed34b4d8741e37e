"""The command line behind `flash.sh`: asks, shows how far it is, and tells the result to people or programs."""

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from zonetag_flash import label, ports, programs, tag
from zonetag_flash.chips import BOARDS
from zonetag_flash.errors import FlashError, files_in_plain_words
from zonetag_flash.records import Records, own_key, public_key
from zonetag_protocol.card import INTERVALS_MS

ROOT = Path(__file__).parents[2]
LIB = "lib/"
STEPS = {"connect": "connecting", "write": "writing", "listen": "listening to the tag"}


def parser() -> argparse.ArgumentParser:
    """All options, with what they are for."""
    p = argparse.ArgumentParser(
        prog="./flash.sh",
        allow_abbrev=False,  # --all is taken out by its name before each port's own run
        description="Make a tag of a bare board: flash, provision, verify, label; then the next one.",
        epilog="A tag's key is made here, written into the tag, and sealed to the backend in bundle.jsonl of the "
        "output folder. Then, on the backend: zonetag tag import bundle.jsonl",
    )
    p.add_argument(
        "--port",
        action="append",
        help="serial port, or socket://HOST:PORT; several times for several boards side by side; default: the one board"
        " that is plugged in",
    )
    p.add_argument("--all", action="store_true", help="flash every board that is plugged in, side by side")
    p.add_argument("--list", action="store_true", help="list the ports with boards, and end")
    p.add_argument("--board", choices=sorted(BOARDS), help="kind of board; default: the usual one of the chip found")
    p.add_argument("--image", type=Path, metavar="FILE", help="MicroPython image (.bin) for the chip")
    p.add_argument("--micropython", metavar="VERSION", help="official image to fetch, where no --image is given")
    p.add_argument("--number", help="number to print on the tag; default: the one after the last")
    p.add_argument("--wearer", default="", help="name for the label only; it is not stored in the tag")
    p.add_argument(
        "--moving-ms",
        type=_within(*INTERVALS_MS),
        default=250,
        help="advertising interval while moving; always, on a board that cannot feel it (%(default)s)",
    )
    p.add_argument(
        "--rest-ms", type=_within(*INTERVALS_MS), default=1000, help="advertising interval at rest (%(default)s)"
    )
    p.add_argument(
        "--tx", type=_within(-128, 127), default=-21, help="transmit power byte of the whole fleet, dBm (%(default)s)"
    )
    p.add_argument("--company", type=_within(0, 0xFFFF, 16), default=0xFFFF, help="company identifier, hex (ffff)")
    p.add_argument("--backend-key", type=Path, metavar="FILE", help="public key of the backend (zonetag tag key)")
    p.add_argument("--data", type=Path, default=_data_folder(), help="data folder of a backend on this machine")
    p.add_argument("--out", type=Path, default=Path("zonetag-tags"), help="folder for bundle and labels (%(default)s)")
    p.add_argument("--sheet", action="store_true", help="write labels.pdf, an A4 sheet of all tags in --out, and end")
    p.add_argument(
        "--compile", type=Path, metavar="DIR", help="write the firmware's compiled modules into DIR, and end"
    )
    p.add_argument(
        "--listen",
        type=float,
        default=8.0,
        metavar="S",
        help="seconds to wait for the tag's first words (%(default)s); 0: do without",
    )
    p.add_argument("--yes", action="store_true", help="ask nothing, and end after one tag")
    p.add_argument("--dry-run", action="store_true", help="say what would be done; write nothing")
    p.add_argument("--json", action="store_true", help="print the result as one JSON object")
    return p


def main(argv: list[str] | None = None) -> int:
    """Run; 0 when every tag was verified, 1 when one was not, 2 for a wrong command line, 130 for Ctrl-C."""
    argv = sys.argv[1:] if argv is None else argv
    args = parser().parse_args(argv)
    several = args.all or len(args.port or ()) > 1
    if several and (args.number or args.wearer):
        parser().error("--number and --wearer are for one tag, --all and several --port are for several")
    try:
        with files_in_plain_words():
            return _run(args, argv)
    except FlashError as error:
        _tell_failure(args, error)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The tag in hand is not registered: run this again to flash it.", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace, argv: list[str]) -> int:
    if args.list:
        found = ports.found()
        print("\n".join(f"{port.device}  {port.bridge}" for port in found) or "no board is plugged in")
        return 0
    if args.compile:
        return _compile(args.compile)
    records = Records(args.out)
    if args.sheet:
        return _sheet(records, args)
    if args.all or len(args.port or ()) > 1:
        return _side_by_side(args, argv)
    if args.dry_run:
        port = _the_port(args)
        chip, board = tag.look(port, args.board)
        would = {"port": port, "chip": chip, "board": board.name, "would": "erase, write, verify, register, label"}
        print(json.dumps(would) if args.json else f"{port}: {chip}, as {board.title}. Nothing was written.")
        return 0
    plan = tag.Plan(
        files=programs.compiled(ROOT),
        image=args.image,
        version=args.micropython,
        board=args.board,
        moving_ms=args.moving_ms,
        rest_ms=args.rest_ms,
        company=args.company,
        tx=args.tx,
        backend=public_key(args.backend_key) if args.backend_key else own_key(args.data),
        records=records,
        cache=ROOT / ".cache/images",
        listen_s=args.listen,
    )
    if args.yes or args.number or args.wearer or args.json:
        _tell_success(args, _flash(plan, args))
        return 0
    return _tag_after_tag(plan, args)


def _tag_after_tag(plan: tag.Plan, args: argparse.Namespace) -> int:
    """Until the user ends it; a tag that fails holds up no other."""
    failed = 0
    while True:
        try:
            done = _flash(plan, args)
        except FlashError as error:
            failed = 1
            _tell_failure(args, error)
        else:
            _tell_success(args, done)
        try:
            answer = input("Next tag: plug it in and press Enter (q to end) ")
        except (EOFError, KeyboardInterrupt):  # no tag is in hand here
            print()
            return failed
        if answer.strip().lower().startswith("q"):
            return failed


def _flash(plan: tag.Plan, args: argparse.Namespace) -> tag.Done:
    port = _the_port(args)  # each time: the next board may come up under another name
    bar = _Bar(port, args.json or not sys.stderr.isatty())
    try:
        with files_in_plain_words():
            return tag.flash(plan, port, args.number, args.wearer, tell=bar, now_s=int(time.time()))
    finally:
        bar.end()


def _the_port(args: argparse.Namespace) -> str:
    return args.port[0] if args.port else ports.the_one(ports.found())


def _side_by_side(args: argparse.Namespace, argv: list[str]) -> int:
    """One process a port, so that one board that hangs holds up no other."""
    found = args.port or [port.device for port in ports.found()]
    if not found:
        ports.the_one([])
    own = [a for a in argv if a not in ("--all", "--json", "--port", *found) and not a.startswith("--port=")]
    base = [sys.executable, "-m", "zonetag_flash", *own, "--yes", "--json"]
    running = [
        (port, subprocess.Popen([*base, "--port", port], stdout=subprocess.PIPE, text=True))  # noqa: S603  # ourselves
        for port in found
    ]
    results = [json.loads(child.communicate()[0] or "{}") | {"port": port} for port, child in running]
    if args.json:
        print(json.dumps(results))
    else:
        for result in results:
            said = result.get("number") or result.get("what") or result.get("would") or "failed"
            print(f"{result['port']}: {said}" + (f"\n  {result['cure']}" if "cure" in result else ""))
    return 0 if all(result.get("would" if args.dry_run else "verified") for result in results) else 1


def _compile(folder: Path) -> int:
    """The modules alone: `main.py` of a tag is never replaced."""
    modules = {name.removeprefix(LIB): data for name, data in programs.compiled(ROOT).items() if name.startswith(LIB)}
    for name, data in modules.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    print(f"{len(modules)} modules are in {folder}. Next: zonetag tag firmware pack {folder} FILE")
    return 0


def _sheet(records: Records, args: argparse.Namespace) -> int:
    numbers = records.numbers()
    if not numbers:
        raise FlashError("no-tags", f"No tag stands in {records.bundle}.", "Flash one first.")
    path = records.folder / "labels.pdf"
    label.write([label.Label(number) for number in numbers], path)
    print(json.dumps({"labels": str(path), "tags": len(numbers)}) if args.json else f"{len(numbers)} labels: {path}")
    return 0


def _tell_success(args: argparse.Namespace, done: tag.Done) -> None:
    if args.json:
        print(json.dumps(dataclasses.asdict(done)))
        return
    spoken = (
        "confirmed by the tag itself, whose identifier is the one that the backend computes"
        if done.identifier == "confirmed"
        else "what it holds is what was written, but it stayed silent: does its LED light when you switch it on?"
    )
    print(f"Tag {done.number}: verified ({spoken}). Label: {done.label}")
    print(f"To register it, on the backend: zonetag tag import {done.bundle}")


def _tell_failure(args: argparse.Namespace, error: FlashError) -> None:
    if args.json:
        print(json.dumps({"verified": False, "error": error.code, "what": error.what, "cure": error.cure}))
    else:
        print(f"{error.what}\n  {error.cure}", file=sys.stderr)


def _within(low: int, high: int, base: int = 10) -> Callable[[str], int]:
    def number(text: str) -> int:
        value = int(text, base)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not within {low} to {high}")
        return value

    return number


def _data_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local/share") / "zonetag"


class _Bar:
    """A progress bar on standard error; lines where that is no terminal, or not one of its own."""

    WIDTH = 30

    def __init__(self, port: str, lines: bool) -> None:
        """`lines`: a line a quarter, because others write to the same terminal."""
        self._port = port
        self._lines = lines
        self._last = ("", 0)

    def __call__(self, step: str, done: int, of: int) -> None:
        full = self.WIDTH * done // of if of else 0
        if not self._lines:
            full = self.WIDTH if step == "listen" else full  # all is written
            bar = "#" * full + "." * (self.WIDTH - full)
            print(f"\r{self._port} [{bar}] {STEPS[step]:<22}", end="", file=sys.stderr, flush=True)
        elif (step, 4 * done // max(of, 1)) != self._last:
            share = f" {100 * done // of} %" if step == "write" else ""
            print(f"{self._port}: {STEPS[step]}{share}", file=sys.stderr, flush=True)
        self._last = (step, 4 * done // max(of, 1))

    def end(self) -> None:
        """What follows begins a line of its own."""
        if not self._lines and self._last[0]:
            print(file=sys.stderr, flush=True)
