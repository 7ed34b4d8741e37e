"""The command `zonetag-gateway`.  The commands themselves are imported when the command line is read."""

import argparse
import asyncio
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zonetag_gateway import identity, logs
from zonetag_gateway.app import Gateway
from zonetag_gateway.cli_air import NOWHERE
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import LIVE, Config, load, parse
from zonetag_gateway.errors import ConfigFaults, GatewayError
from zonetag_gateway.lasttime import LastTime
from zonetag_gateway.notify import Notify
from zonetag_gateway.overlay import OverlayFile, Settings, overrides
from zonetag_gateway.sources import make, make_central

log = logging.getLogger(__name__)

DEFAULT_CONFIG = Path("/etc/zonetag/gateway.toml")
OVERLAY_FILE = "overlay.json"  # beside the spool
DRAIN_S = 5.0
# Modules of this package with a `register(subparsers)`: scan, record, doctor; enrol.
OTHER_COMMANDS = ("cli_air", "cli_enrol")
PIPE_CLOSED = 128 + signal.SIGPIPE  # what a shell says of a program that ended so


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code: 0 done, 1 failed (the reason is on standard error), 2 wrong usage."""
    parser = _parser()
    args = parser.parse_args(argv)
    logs.begin(args.log_level)
    try:
        code = int(args.run(args))
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads has had enough, as in `... | head -1`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains once more at its end
        return PIPE_CLOSED
    except GatewayError as error:
        print(f"zonetag-gateway: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zonetag-gateway", description="Hears tags and reports them.")
    parser.add_argument("--version", action="version", version=f"zonetag-gateway {_version()}")
    parser.add_argument(
        "--log-level", default="info", choices=("debug", "info", "warning", "error"), help="what to tell (info)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="hear and report until stopped")
    _common(run)
    run.add_argument("--source", choices=(*LIVE, "replay", "simulated"), help="in place of source.kind")
    run.set_defaults(run=_run)
    replay = commands.add_parser("replay", help="report what captures hold (btsnoop, pcapng)")
    _common(replay)
    replay.add_argument("file", nargs="+", type=Path, metavar="FILE")
    replay.add_argument("--speed", help='"real", "max" or a factor, in place of source.speed')
    replay.add_argument(
        "--no-broker", action="store_true", help="only fold into windows, deliver nothing; needs no configuration"
    )
    replay.set_defaults(run=_run, source="replay")
    for name in OTHER_COMMANDS:
        if importlib.util.find_spec(f"zonetag_gateway.{name}") is None:
            continue
        if register := getattr(importlib.import_module(f"zonetag_gateway.{name}"), "register", None):
            register(commands)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"the configuration ({DEFAULT_CONFIG})")
    parser.add_argument(
        "--drain", type=_seconds, default=DRAIN_S, metavar="S", help=f"seconds to deliver at the end ({DRAIN_S:g})"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object of counts at the end")


def _run(args: argparse.Namespace) -> int:
    again = True
    while again:
        config, overlay = _with_overlay(args, _config(args))
        result, again = asyncio.run(_run_until_signal(config, args, overlay))
    if args.json:
        print(json.dumps(result))
    return 0


def _config(args: argparse.Namespace) -> Config:
    if getattr(args, "no_broker", False) and args.config is None:
        return parse(NOWHERE, Path(), _overrides(args), "the command line")
    return load(args.config or DEFAULT_CONFIG, _overrides(args))


def _with_overlay(args: argparse.Namespace, config: Config) -> tuple[Config, OverlayFile | None]:
    """The configuration with the settings from afar, if it takes any; the command line goes before them."""
    if not config.remote.enabled:
        return config, None
    given = _overrides(args)

    def merged(settings: Settings) -> Config:
        far = overrides(settings)
        return load(
            args.config or DEFAULT_CONFIG, {name: {**far.get(name, {}), **given.get(name, {})} for name in far | given}
        )

    overlay = OverlayFile(config.spool.path.with_name(OVERLAY_FILE), merged)
    try:
        return merged(overlay.start()), overlay
    except ConfigFaults as faults:  # they were good once: gateway.toml or this program has changed
        log.error("the settings from afar do not count: %s", faults)
        return config, None


def _overrides(args: argparse.Namespace) -> dict[str, dict[str, object]]:
    source: dict[str, object] = {}
    if args.source:
        source["kind"] = args.source
    if getattr(args, "file", None):
        source["file"] = [str(file.absolute()) for file in args.file]
    if getattr(args, "speed", None):
        source["speed"] = args.speed if args.speed in ("real", "max") else _number(args.speed)
    return {"source": source}


def _seconds(text: str) -> float:
    try:
        if 0 <= (seconds := float(text)) < float("inf"):
            return seconds
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds, 0 or more")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # the configuration's check says what is wrong with it


async def _run_until_signal(
    config: Config, args: argparse.Namespace, overlay: OverlayFile | None
) -> tuple[dict[str, Any], bool]:
    """The summary, and whether to begin again."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    spool = config.spool.path
    clock = SystemClock(LastTime(spool.with_name(spool.name + ".time")))
    source = make(config, clock)
    gateway = Gateway(
        config,
        source,
        clock,
        _version(),
        notify=Notify.here(),
        keep_time=clock.keep,
        overlay=overlay,
        identity=identity.of(config),
        behind=clock.behind,
        central=make_central(config),
    )
    if getattr(args, "no_broker", False):
        return await gateway.fold_only(stop), False
    return dict(await gateway.run(stop, args.drain)), gateway.again


def _version() -> str:
    return importlib.metadata.version("zonetag")
