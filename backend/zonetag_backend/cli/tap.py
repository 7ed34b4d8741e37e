"""`zonetag tap`: what gateways send, as text.  It disturbs nobody: a client of its own, and no session is kept.

It has no names and no keys: identifiers stand as they came from the air.
"""

import argparse
import json
import logging
import queue
import secrets
import signal
import sys
import threading
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from zonetag_backend.cli.store import Parsers
from zonetag_backend.config import load
from zonetag_backend.mqtt import Incoming, Link
from zonetag_backend.pki.client import with_own
from zonetag_backend.pki.profile import TAP_NAME
from zonetag_protocol import acknowledgement, envelope, loss, report, topics
from zonetag_protocol.errors import ZonetagError

WAITING = 100  # messages; a slow terminal slows what the broker sends us, and nobody else
LEAVES = (topics.REPORT, topics.ACK, topics.LOST, topics.STATE, topics.HEALTH)
RSSI = ("rssi_max", "rssi_p90", "rssi_median", "rssi_min")
_KINDS = {report.KIND_ZONETAG: "zonetag", report.KIND_BADGE: "badge"}


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("tap", help="print what gateways send, as text")
    parser.add_argument("--broker", metavar="URL", help="mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    parser.add_argument("--data", metavar="DIR", help="folder of the certificate that is shown to the broker")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as in deploy/server.example.toml")
    parser.add_argument("--json", action="store_true", help="one JSON object a line and report")
    parser.add_argument("--count", type=int, default=0, metavar="N", help="end after N messages")
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    # A random identifier: the backend's session, and its messages, stay the backend's.
    own = f"zonetag-tap-{secrets.token_hex(4)}"
    config = load(args.config, {"broker.url": args.broker, "data": args.data})
    settings = replace(with_own(config.broker, config.data, TAP_NAME), client_id=own)
    came: queue.Queue[Incoming] = queue.Queue(WAITING)
    stopping = threading.Event()

    def put(message: Incoming) -> None:
        while not stopping.is_set():
            with suppress(queue.Full):
                came.put(message, timeout=1.0)
                return

    def on_change(connected: bool) -> None:
        state = "listening to" if connected else "no connection to"
        if not stopping.is_set():
            print(f"{state} {settings.url}", file=sys.stderr, flush=True)

    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    link = Link(settings, WAITING, put, on_change, leaves=LEAVES, persistent=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    link.start()
    shown = 0
    try:
        with suppress(KeyboardInterrupt):
            while not args.count or shown < args.count:
                message = came.get()
                link.done(message)
                item = read(message)
                print(json.dumps(item) if args.json else text_of(item), flush=True)
                shown += 1
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):  # impatience while the goodbye is said, which takes no time
            signal.signal(number, signal.SIG_IGN)
        stopping.set()
        link.stop()
    return 0


def read(message: Incoming) -> dict[str, Any]:
    """A message as an object: `topic`, and `report`, `ack`, `lost`, `state`, `health` or `fault`."""
    item: dict[str, Any] = {"topic": message.topic}
    try:
        leaf = topics.parse(message.topic).leaf
        if leaf == topics.REPORT:
            item["report"] = _report(report.decode(envelope.unwrap(message.payload, topics.REPORT)))
        elif leaf == topics.ACK:
            item["ack"] = asdict(acknowledgement.decode(envelope.unwrap(message.payload, topics.ACK)))
        elif leaf == topics.LOST:
            item["lost"] = asdict(loss.decode(envelope.unwrap(message.payload, topics.LOST)))
        else:
            item[leaf] = json.loads(message.payload)
    except (ZonetagError, ValueError, RecursionError) as error:
        item["fault"] = str(error)
    return item


def text_of(item: dict[str, Any]) -> str:
    """The same for people: a line, and one more for each window of a report."""
    where = "/".join(_safe(part) for part in str(item["topic"]).split("/")[2:])
    if "report" not in item:
        rest = {key: value for key, value in item.items() if key != "topic"}
        return f"{where}  {json.dumps(rest)}"
    r = item["report"]
    clock = "" if r["synchronised"] else ", clock not synchronised"
    lines = [f"{where}  {r['utc']}  boot {r['boot']:x}  seq {r['seq']}  {len(r['windows'])} windows{clock}"]
    for w in r["windows"]:
        rssi = "/".join(str(w[name]) for name in RSSI)
        lines.append(
            f"  +{w['first_ms'] / 1000:7.2f} s  {w['kind']:8}{w['eid']} {w['auth']}"
            f"  {w['count']:5} in {w['span_ms'] / 1000:.2f} s  {rssi} dBm"
        )
    if r["tallies"]:
        lines.append("  " + "  ".join(f"{_safe(name)} {n}" for name, n in sorted(r["tallies"].items())))
    return "\n".join(lines)


def _report(r: report.Report) -> dict[str, Any]:
    return {
        "gateway": r.gateway,
        "boot": r.boot,
        "seq": r.seq,
        "previous": r.previous.hex(),
        "utc_ms": r.base.utc_ms,
        "utc": _utc(r.base.utc_ms),
        "monotonic_ms": r.base.monotonic_ms,
        "synchronised": r.base.synchronised,
        "windows": [
            {
                "kind": _KINDS[w.kind],
                "eid": w.eid.hex(),
                "auth": w.auth.hex(),
                "first_ms": w.first * report.TICK_MS,
                "span_ms": w.span * report.TICK_MS,
                "count": w.count,
                "rssi_max": w.rssi_max,
                "rssi_p90": w.rssi_p90,
                "rssi_median": w.rssi_median,
                "rssi_min": w.rssi_min,
            }
            for w in r.columns.windows()
        ],
        "tallies": r.tallies,
    }


def _utc(ms: int) -> str:
    try:
        return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return f"{ms} ms"  # past the year 9999: a gateway's clock gone wild


def _safe(text: str) -> str:
    """Text from outside that cannot move the terminal's cursor."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)
