"""`make soak`: a month of office at accelerated time through the real gateway; memory and files must not grow.

make soak                           30 days, about a quarter of an hour
make soak ARGS="--days 3"           fewer of them
make soak ARGS=--write              and the figures into docs/benchmarks.md

The real program as a process, with its real spool, a real mosquitto, and a backend that does nothing but acknowledge.
Only the air is simulated, and its time: it is let go on until the gateway has delivered each hour, and then the next
one comes at once, so that a day takes seconds.  Each day has 10 hours with 40 tags, each heard once a slot and rotating
every 1024 s, and 24 hours with 60 devices of others, whose addresses and identifiers are new every 15 minutes: 56,000
identifiers of tags, phones and strangers in a month that a leak would keep.  What is not accelerated: BlueZ, whose
memory under a million addresses the benchmark `bluez` measures.

Reports are fewer than in 30 real days and longer, since the gateway closes windows by its own clock: five times a
second.
"""

import argparse
import asyncio
import contextlib
import io
import json
import os
import re
import shutil
import socket
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import run
from measure import show
from rig.brokers import Mosquitto
from soak_air import OFFICE_H, Acknowledger, Air

SPOOL_MB = 16
SETTLED_DAY = 2  # on the first all caches and pools fill; growth counts from the end of this one
LIMIT_S = 300.0
POLL_S = 0.1
REPORT_S = 5.0  # report.every_s
LEAST_GROWTH_KB = 1500  # the allocator's own swing from one sample to the next
GROWTH = 0.05  # of the memory, over all days: more is a leak


@dataclass(frozen=True, slots=True)
class Sample:
    """At the end of a day."""

    day: int
    gateway_kb: int
    # resident memory
    broker_kb: int
    files: int
    # bytes in the gateway's folder
    descriptors: int
    # open ones of the gateway
    reports: int
    # acknowledged so far
    adverts: int
    # sent so far


def metric(page: str, name: str) -> float:
    """One figure of the gateway's own page, over all labels."""
    found = re.findall(rf"(?m)^zonetag_gateway_{name}(?:{{.*}})? (\S+)$", page)
    assert found, name
    return sum(map(float, found))


def resident_kb(pid: int) -> int:
    """Memory of a process."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def free_port() -> int:
    """A TCP port of the loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def soak(days: int, hours: range, folder: Path, program: str, *, answers: bool, bar: bool) -> list[Sample]:
    """The samples, one for each day of these hours."""
    (folder / "broker").mkdir()
    (folder / "state").mkdir()
    broker = Mosquitto(program, folder / "broker")
    broker.start()
    backend = Acknowledger(broker.port, answers=answers)
    air = Air()
    await air.start()
    port = free_port()
    config = folder / "gateway.toml"
    config.write_text(
        f'site = "hq"\nname = "entrance"\n[source]\nkind = "simulated"\nair = "127.0.0.1:{air.port}"\n'
        f'[spool]\npath = "{folder}/state/spool.db"\nmax_mb = {SPOOL_MB}\n[metrics]\nlisten = "127.0.0.1:{port}"\n'
        f'[broker]\nurl = "{broker.url}"\n'
    )
    gateway = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "zonetag_gateway", "--log-level", "warning", "run", "--config", str(config)),
        stdin=asyncio.subprocess.DEVNULL,
    )
    samples = []
    try:
        async with asyncio.timeout(LIMIT_S):
            await air.here.wait()
        begun = time.monotonic()
        for day in range(1, days + 1):
            for number, hour in enumerate(hours, 1):
                await air.hour((day - 1) * 24 + hour)
                await _taken(port, air, delivered=answers)
                if bar:
                    _show_bar((day - 1 + number / len(hours)) / days, days, time.monotonic() - begun)
            broker.log.clear()
            samples.append(_sample(day, gateway.pid, broker, folder, backend.through, air.sent))
        await air.end()
        async with asyncio.timeout(LIMIT_S):
            assert await gateway.wait() == 0, "the gateway did not end well"
    finally:
        if gateway.returncode is None:
            gateway.kill()
            await gateway.wait()
        backend.stop()
        broker.stop()
    return samples


async def _taken(port: int, air: Air, *, delivered: bool) -> None:
    """Return when the gateway has heard all, and the spool is empty: time must not outrun delivery."""

    def look() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=LIMIT_S) as page:
            return str(page.read().decode())

    async with asyncio.timeout(LIMIT_S):
        while True:
            page = await asyncio.to_thread(look)
            # A flood is counted apart; in this air there is none, and what is lost stands in the figures.
            if metric(page, "adverts_total") + metric(page, "dropped_total") >= air.sent and not (
                delivered and metric(page, "spool_reports")
            ):
                return
            await asyncio.sleep(POLL_S)
            await air.pass_(REPORT_S)  # what was heard last is reported once its time has come


def _sample(day: int, pid: int, broker: Mosquitto, folder: Path, reports: int, sent: int) -> Sample:
    files = sum(path.stat().st_size for path in (folder / "state").iterdir())
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(day, resident_kb(pid), resident_kb(broker.pid), files, descriptors, reports, sent)


def _show_bar(part: float, days: int, gone_s: float) -> None:
    width = 40
    full = int(part * width)
    left_min = gone_s / part / 60 * (1 - part)
    text = f"[{'#' * full}{'.' * (width - full)}] day {part * days:4.1f} of {days}, {left_min:.0f} min left "
    print(f"\r{text}", end="\n" if part >= 1 else "", file=sys.stderr, flush=True)


def verdict(samples: list[Sample]) -> list[str]:
    """What has grown that must not, in words; nothing if all is flat."""
    settled = [sample for sample in samples if sample.day >= min(SETTLED_DAY, len(samples) - 1)]
    first, last = settled[0], settled[-1]
    faults = []
    for name in ("gateway_kb", "broker_kb"):
        before, after = getattr(first, name), getattr(last, name)
        if after - before > max(LEAST_GROWTH_KB, GROWTH * before):
            faults.append(f"{name} grew from {before} to {after} between day {first.day} and {last.day}")
    # The spool keeps its size once it has had one; twice what it was is more than an hour that was longer on its way.
    if last.files > max(2 * first.files, 4_000_000):
        faults.append(f"files grew from {first.files} to {last.files} bytes")
    if last.descriptors > first.descriptors + 1:  # that of who asks for the metrics
        faults.append(f"open descriptors grew from {first.descriptors} to {last.descriptors}")
    return faults


def tell(samples: list[Sample]) -> None:
    """As `make bench` shows figures."""
    days = {sample.day: sample for sample in samples}
    chosen = sorted({1, SETTLED_DAY, 10, 20, len(samples)} & set(days))
    reference = days[min(SETTLED_DAY, len(samples))]
    for day in chosen:
        one = days[day]
        show(
            f"memory of the gateway, end of day {day}",
            one.gateway_kb,
            "kB",
            f"day {reference.day}",
            reference.gateway_kb,
        )
    for day in chosen:
        show(
            f"memory of mosquitto, end of day {day}",
            days[day].broker_kb,
            "kB",
            f"day {reference.day}",
            reference.broker_kb,
        )
    for day in chosen:
        show(f"its files, end of day {day}", days[day].files, "bytes", f"day {reference.day}", reference.files)
    show("open descriptors, last day", samples[-1].descriptors, "", f"day {reference.day}", reference.descriptors)
    show("adverts in all", samples[-1].adverts, "")
    show("reports acknowledged", samples[-1].reports, "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--hours", type=int, default=24, help="of each day: 24, or so many of its office hours")
    parser.add_argument("--json", action="store_true", help="print one JSON object: samples, faults")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/benchmarks.md")
    parser.add_argument("--no-ack", action="store_true", help="the control: a backend that acknowledges nothing")
    args = parser.parse_args()
    program = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
    if program is None:
        sys.exit("a soak needs a broker: apt-get install mosquitto")
    hours = range(24) if args.hours == 24 else OFFICE_H[: args.hours]
    with tempfile.TemporaryDirectory() as folder:
        samples = asyncio.run(
            soak(
                args.days,
                hours,
                Path(folder),
                program,
                answers=not args.no_ack,
                bar=not args.json or sys.stderr.isatty(),
            )
        )
    faults = verdict(samples)
    if args.json:
        told: dict[str, Any] = {"samples": [asdict(sample) for sample in samples], "faults": faults}
        print(json.dumps(told))
    else:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            tell(samples)
        print(said.getvalue(), end="")
        for fault in faults:
            print(f"NOT FLAT: {fault}")
        if args.write:
            run.write({"soak": said.getvalue()})
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
