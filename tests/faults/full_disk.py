"""Disks that get full: gateway's, broker's, server's.  Each says so, stays whole, and drains by itself."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from faults import kills
from faults.counting import Count
from faults.engine import Fault, Run
from faults.stack import stack
from rig.disks import take_the_rest

SMALL_MB = 12


def needs() -> str:
    """What it needs of the machine."""
    if why := kills.needs():
        return why
    probe = subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False)
    return "this machine mounts no tmpfs" if probe.returncode else ""


@contextmanager
def _small(folder: Path) -> Iterator[Path]:
    """A disk of SMALL_MB at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_MB}m", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def _free(disk: Path) -> None:
    (disk / "somebody-else").unlink()


def _gateway(run: Run, variant: str = "real") -> Count:
    """Somebody else takes the disk of a spool that grows; then gives it back, and later the network comes back too."""
    total = Count(0, 0, 0, 0)
    for n in range(run.times):
        folder = run.folder / str(n)
        settings = {"spool": {"max_mb": 8}}
        with (
            _small(folder / "spool") as disk,
            stack(folder, settings=settings, tags=12, pause_s=0.01) as made,
        ):
            made.start(gateway=variant)
            made.progress()
            made.broker.kill()
            made.hear_on(1200)
            take_the_rest(disk)
            refused = "spool refuses, holding reports in memory" if variant == "real" else "thrown away"
            made.wait_until_said(made.gateway, refused)
            made.hear_on(400)
            # With the disk still full: what the backend acknowledges is deleted all the same, and what is held in
            # memory takes its room.
            made.start_broker()
            made.progress(made.kept() - made.reports() + 5)
            _free(disk)
            made.progress(5)
            made.finish()
            total += made.count()
        run.progress(n + 1)
    return total


def _broker(run: Run) -> Count:
    """The broker writes down what it holds, on a disk that has no room for it; then there is room again.

    (mosquitto 2.0.11 leaves a file behind that it does not take at its next start, when it is killed or stopped while
    the disk is full.  So nothing here relies on a broker's persistence: docs/en/faults.md.)
    """
    total = Count(0, 0, 0, 0)
    for n in range(run.times):
        folder = run.folder / str(n)
        with _small(folder / "broker") as disk:
            extra = f"persistence true\npersistence_location {disk}/\nautosave_interval 1\nautosave_on_changes true\n"
            with stack(folder, broker_extra=extra) as made:
                made.start()
                made.progress()
                take_the_rest(disk)
                made.server.stop()
                made.hear_on(200)
                made.wait_until_said(made.broker, "Error")
                made.start_server()
                made.server_ready()
                made.progress()
                _free(disk)
                made.progress()
                made.finish()
                total += made.count()
        run.progress(n + 1)
    return total


def _server(run: Run, variant: str = "real") -> Count:
    """The disk of the database is full while reports come; then it is not."""
    total = Count(0, 0, 0, 0)
    for n in range(run.times):
        folder = run.folder / str(n)
        with _small(folder / "office") as disk, stack(folder) as made:
            made.start(server=variant)
            made.progress()
            take_the_rest(disk)
            made.wait_until_said(made.server, "the database cannot be written")
            made.hear_on(200)
            if variant == "hasty":
                made.server.kill()
            _free(disk)
            if variant == "hasty":
                made.start_server()
            made.progress(5)
            made.finish()
            total += made.count()
        run.progress(n + 1)
    return total


GATEWAY = Fault(
    "disk-full-gateway",
    "the disk of the spool is full, and goes on being full while it drains",
    1,
    20,
    _gateway,
    lambda run: _gateway(run, "forgetful").lost > 0,
    "what the disk refuses is thrown away",
    needs,
)
BROKER = Fault(
    "disk-full-broker",
    "the disk of a broker that persists is full while the server is away",
    1,
    20,
    _broker,
    kills.BROKER.control,
    "the gateway deletes on PUBACK",
    needs,
)
SERVER = Fault(
    "disk-full-backend",
    "the disk of the database is full while reports come",
    1,
    20,
    _server,
    lambda run: _server(run, "hasty").lost > 0,
    "the server acknowledges before it commits",
    needs,
)
