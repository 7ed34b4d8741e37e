"""What `zonetag demo` does, and says while it does it."""

import argparse
import asyncio
import json
import os
import shlex
import signal
import sys
import tempfile
import webbrowser
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from zonetag_backend import clock
from zonetag_backend.demo.port import free_port
from zonetag_backend.demo.registry import TIMEZONE
from zonetag_backend.demo.run import SETTINGS, Demo, GatewayDied, Settings
from zonetag_backend.errors import BackendError

LONGEST_S = 86_400.0
_STATUS_S = 10.0
_BAR = 30  # characters
_OPENING = timedelta(hours=7, minutes=45)
_DAY = timedelta(hours=9, minutes=45)


def run(args: argparse.Namespace, interrupted: list[int]) -> int:
    """Run the demo; `interrupted` holds the signals that have come already."""
    length_s = _DAY.total_seconds() if args.seconds is None else args.seconds * args.speed
    if not 1 <= length_s <= LONGEST_S:
        raise BackendError("--for times --speed is the simulated time: choose them so that it is 1 s to a day")
    with tempfile.TemporaryDirectory(prefix="zonetag-demo-") as temporary:
        folder = args.data or Path(temporary)
        if (folder / "zonetag.db").exists():
            raise BackendError(f"{folder} holds a database already: give --data a new folder")
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            settings = _settings(args, folder, length_s)
        except OSError as error:
            raise BackendError(f"cannot start the demo: {error}") from error
        try:
            return asyncio.run(_run(args, settings, interrupted))
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):  # only tidying up is left, and it ends by itself
                signal.signal(number, signal.SIG_IGN)


def _settings(args: argparse.Namespace, folder: Path, length_s: float) -> Settings:
    today = datetime.fromtimestamp(clock.utc_ms() / 1000, ZoneInfo(TIMEZONE)).replace(
        hour=0, minute=0, second=0, microsecond=0
    )
    port = free_port(args.port)
    if port != args.port:
        _say(f"Port {args.port} is taken; the page is at port {port}.")
    return Settings(
        seed=args.seed,
        speed=args.speed,
        length_s=length_s,
        start_ms=round((today + _OPENING).astimezone(UTC).timestamp() * 1000),
        folder=folder,
        port=port,
        days=args.days,
        database=args.database,
    )


async def _run(args: argparse.Namespace, settings: Settings, interrupted: list[int]) -> int:
    """Until the end or a signal.  The first signal ends everything in order, another one at once."""
    demo = Demo(settings, clock.monotonic, Bar(args.days))
    showing = asyncio.create_task(_show(args, demo))
    signals = 0

    def on_signal() -> None:
        nonlocal signals
        signals += 1
        if signals == 1:
            showing.cancel()
        else:
            demo.kill_gateways()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    if interrupted:
        on_signal()
    try:
        return await showing
    except asyncio.CancelledError:
        return 0  # stopped before it was up


async def _show(args: argparse.Namespace, demo: Demo) -> int:
    async with demo.running():
        code = 0
        try:
            _introduce(args, demo)
            await _day(demo)
            await demo.gateways_done()
            if args.seconds is None:
                _say("The day is over. The page stays; Ctrl-C ends it.")
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            _say("Stopping.")
        except GatewayDied as died:
            _say(f"{died}.")
            code = 1
        await demo.stop_gateways()
        for remark in demo.remarks():
            _say(remark)
        try:
            if args.json or args.seconds is not None:
                _say("Counting what was found beside the truth.")
                found = await demo.result()
                if args.json:
                    print(json.dumps(found), flush=True)
                else:
                    _say(_sentence(found))
                if found["windows_lost"] or found["windows_double"]:
                    code = 1  # the demo has shown a fault
        except GatewayDied as died:
            _say(f"Nothing can be said of the result: {died}.")
            code = 1
    return code


async def _day(demo: Demo) -> None:
    telling = asyncio.create_task(_tell_now_and_then(demo))
    try:
        await demo.day()
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling


async def _tell_now_and_then(demo: Demo) -> None:
    while True:
        await asyncio.sleep(_STATUS_S)
        counters = demo.backend.counters()
        rejected = counters["rejected"]
        assert isinstance(rejected, dict)
        apart = ", ".join(f"{reason} {n:,}" for reason, n in sorted(rejected.items())) or "nothing"
        _say(
            f"{_local(demo):%H:%M}  {await demo.inside()} of {len(demo.office.people)} inside,"
            f" {demo.air.adverts:,} adverts heard, {counters['reports']:,} reports, kept apart: {apart}"
        )


def _introduce(args: argparse.Namespace, demo: Demo) -> None:
    s = demo.settings
    kept = "kept" if args.data else "removed at the end"
    _say(
        f"A simulated office: {len(demo.office.people)} people wear tags, {len(demo.gateways)} gateways hear them;"
        " broker, gateways and backend are the real ones.\n"
        f"The in-out book fills at {demo.backend.url} and it is {_local(demo):%H:%M} there,"
        f" {s.speed:g} times as fast as life.\n"
        f"{_first_case(demo)}"
        f"Ctrl-C ends it. Its data is in {s.folder} ({kept})"
        f"{', its database stays where it is' if s.database else ''}."
    )
    on_desktop = sys.stderr.isatty() and (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if on_desktop and not args.no_open and not args.json:
        webbrowser.open(demo.backend.url)


def _first_case(demo: Demo) -> str:
    """Whom to enter as a case, and what then should be found."""
    case, folder = demo.first_case(), demo.settings.folder
    if case is None:
        return ""
    people = demo.office.people
    ill = people[case.person]
    onset = datetime.fromtimestamp(demo.settings.start_ms / 1000 + case.onset_s, ZoneInfo(TIMEZONE)).date()
    near = ", ".join(f"{people[who].name} {most} min" for who, most in case.first.items())
    since = onset - timedelta(days=2)
    where = f"--config {_quoted(folder / SETTINGS)}" if demo.settings.database else f"--data {_quoted(folder)}"
    return (
        f"For a first case, now: {demo.backend.url}cases, {ill.name} ({ill.code}), first symptoms on"
        f" {onset:%d/%m/%Y}; or, elsewhere,\n"
        f"  {_program()} trace {ill.code} --since {since} --until {onset + timedelta(days=1)} --reason demo"
        f" {where}\n"
        f"In truth these were within 1.5 m for 15 minutes of a day or more until then: {near};"
        f" and {len(case.second)} others near them a day or more later.\n"
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))


def _program() -> str:
    """This program as it was called, for a shell in the same folder: it need not be on the path."""
    called = Path(sys.argv[0])
    return _quoted(called) if called.name == "zonetag" else "zonetag"


def _local(demo: Demo) -> datetime:
    return datetime.fromtimestamp(demo.air.now_ms() / 1000, ZoneInfo(TIMEZONE))


def _sentence(result: dict[str, object]) -> str:
    visits, contacts, records = result["visits"], result["contacts"], result["records"]
    assert isinstance(visits, dict)
    assert isinstance(contacts, dict)
    assert isinstance(records, dict)
    return (
        f"{result['adverts']:,} adverts in {result['windows']:,} windows: {result['windows_lost']} lost,"
        f" {result['windows_double']} double. Of {visits['true']} true visits {visits['found']} were found,"
        f" {visits['missed']} missed; {visits['invented']} invented.\n"
        f"{records['home']:,} of {records['made']:,} records of who was near whom have come home. Of {contacts['true']}"
        f" true contacts of 15 minutes within 1.5 m on {contacts['days']} days {contacts['found']} are listed,"
        f" {contacts['missed']} missed; listed beside them {contacts['almost']} who were nearly as near, and"
        f" {contacts['invented']} others. With a probability of 0.8 or more:"
        f" {contacts['likely']['found']} true, {contacts['likely']['almost']} nearly,"
        f" {contacts['likely']['invented']} others."
    )


class Bar:
    """How far the past is laid down: a bar on a terminal, elsewhere one line."""

    def __init__(self, days: int) -> None:
        self._days = days
        self._shown = -1

    def __call__(self, done: float) -> None:
        filled = round(done * _BAR)
        if filled == self._shown:
            return
        terminal = sys.stderr.isatty()
        text = f"Laying down the office's last {self._days} working days"
        if terminal:
            end = "\n" if filled == _BAR else ""
            print(f"\r{text}  [{'#' * filled}{'.' * (_BAR - filled)}]", end=end, file=sys.stderr, flush=True)
        elif self._shown < 0:
            _say(f"{text} ...")
        self._shown = filled


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
