"""The commands `scan`, `record` and `doctor`: what one types beside a gateway, with or without a configuration."""

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import LIVE, Config, load, parse
from zonetag_gateway.doctor import doctor
from zonetag_gateway.record import RecordError, record
from zonetag_gateway.scan import as_json, scan, summary
from zonetag_gateway.sources import make

DEFAULT_CONFIG = Path("/etc/zonetag/gateway.toml")
NOWHERE: dict[str, object] = {"site": "nowhere", "name": "nobody", "broker": {"url": "mqtt://127.0.0.1"}}
# what reports to nobody asks for no configuration


def register(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands."""
    scanner = commands.add_parser(
        "scan",
        help="show what is in the air",
        description="Shows tags, badges and phones (counted only) until Ctrl-C; without a terminal, a summary at the"
        " end.",
    )
    _air(scanner)
    scanner.add_argument("--once", type=float, metavar="S", help="listen for S seconds, then print a summary")
    scanner.add_argument("--json", action="store_true", help="print one JSON object at the end, draw nothing")
    scanner.set_defaults(run=_scan)

    recorder = commands.add_parser(
        "record",
        help="write what is in the air into a btsnoop file",
        description="Writes adverts into a btsnoop file, for `replay`, btmon and Wireshark. No radio address is stored "
        "(the field holds zeros). What other people's devices say of themselves is stored; not so with --only-tags.",
    )
    recorder.add_argument("path", type=Path, metavar="FILE", help="the file to make")
    recorder.add_argument("--for", dest="seconds", type=float, metavar="S", help="stop after S seconds")
    recorder.add_argument("--only-tags", action="store_true", help="store nothing but the fleet's own tags")
    recorder.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    recorder.add_argument("--json", action="store_true", help="print one JSON object of counts at the end")
    _air(recorder)
    recorder.set_defaults(run=_record)

    checker = commands.add_parser("doctor", help="look for what is wrong, and say what to type")
    checker.add_argument("--config", type=Path, default=DEFAULT_CONFIG, help=f"the configuration ({DEFAULT_CONFIG})")
    checker.add_argument("--json", action="store_true", help="print one JSON object")
    checker.set_defaults(run=_doctor)


def _air(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, help="take [source] and company from this configuration")
    parser.add_argument("--source", choices=(*LIVE, "replay", "simulated"), help="where adverts come from (auto)")
    parser.add_argument("--file", action="append", type=Path, default=[], help="a capture to replay; may be repeated")
    parser.add_argument("--speed", help='of a replay: "real", "max" or a factor')
    parser.add_argument("--adapter", action="append", default=[], help="hci0 and the like; may be repeated")
    parser.add_argument("--air", help="HOST:PORT of a simulator")


def _config(args: argparse.Namespace) -> Config:
    source: dict[str, object] = {}
    if args.source or args.file:
        source["kind"] = args.source or "replay"
    if args.file:
        source["file"] = [str(file.absolute()) for file in args.file]
    if args.speed:
        source["speed"] = args.speed if args.speed in ("real", "max") else _number(args.speed)
    if args.adapter:
        source["adapters"] = args.adapter
    if args.air:
        source["air"] = args.air
    overrides = {"source": source}
    return load(args.config, overrides) if args.config else parse(NOWHERE, Path(), overrides, "the command line")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the configuration's check says what is wrong with it


def _name(config: Config) -> str:
    if config.source.kind == "replay":
        return ", ".join(file.name for file in config.source.file)
    return config.source.kind


def _scan(args: argparse.Namespace) -> int:
    return asyncio.run(_scan_until_signal(args, _config(args)))


async def _scan_until_signal(args: argparse.Namespace, config: Config) -> int:
    live = not args.json and args.once is None and sys.stdout.isatty()
    if live:
        logging.getLogger().setLevel(logging.CRITICAL)  # a line on standard error would tear the picture
    view = await scan(
        make(config, SystemClock()),
        _name(config),
        sys.stdout,
        company=config.company,
        stop=_stop_on_signal(),
        seconds=args.once,
        live=live,
    )
    if args.json:
        print(json.dumps(as_json(view)))
    else:
        summary(view, _name(config), sys.stdout)
    return 0


def _record(args: argparse.Namespace) -> int:
    return asyncio.run(_record_until_signal(args, _config(args)))


async def _record_until_signal(args: argparse.Namespace, config: Config) -> int:
    if any(args.path.exists() and file.exists() and args.path.samefile(file) for file in config.source.file):
        raise RecordError(f"{args.path} is what is replayed", "Name another file to record into")
    source = make(config, SystemClock())
    recorded = await record(
        source,
        args.path,
        company=config.company,
        stop=_stop_on_signal(),
        seconds=args.seconds,
        only_tags=args.only_tags,
        overwrite=args.overwrite,
    )
    counts: dict[str, Any] = {
        "adverts": recorded.adverts,
        "left_out": recorded.left_out,
        "too_long": recorded.too_long,
    }
    if args.json:
        print(json.dumps(counts))
    else:
        print(f"{recorded.adverts} adverts in {args.path}, {recorded.left_out} left out", file=sys.stderr)
    return 0


def _doctor(args: argparse.Namespace) -> int:
    say = None if args.json else print
    findings = asyncio.run(doctor(args.config, SystemClock(), say=say))
    healthy = all(finding.ok for finding in findings)
    if args.json:
        print(json.dumps({"ok": healthy, "checks": [finding.as_json() for finding in findings]}))
    return 0 if healthy else 1


def _stop_on_signal() -> asyncio.Event:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
