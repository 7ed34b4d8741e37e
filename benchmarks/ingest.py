"""Windows a second from MQTT to committed rows, beside the bare `executemany` of the same rows.

Real mosquitto, real backend, SQLite with synchronous=FULL; reports of 1,000 windows, as from a gateway that was cut
off and now empties its spool.  The reference inserts the same rows into an empty table of the same shape and pragmas,
once with a transaction a report, once with as many reports in one as the backend takes together.
"""

import asyncio
import shutil
import sys
import tempfile
import threading
from pathlib import Path

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from measure import show, timed
from paho.mqtt.enums import CallbackAPIVersion
from rig.brokers import Mosquitto
from rig.postgresql import PostgreSQL, programs
from sqlalchemy import inspect, select

from zonetag_backend import config as configs
from zonetag_backend.app import Backend
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.store import heard, registry, rows, signing_keys
from zonetag_backend.store.engine import open_database, reading, writing
from zonetag_backend.store.tags import add_tag
from zonetag_backend.subscriber import GROUP_BYTES
from zonetag_protocol import envelope, frame, report, rotation, topics

TAGS = 1_000
REPORTS = 200
START = 1_790_000_000  # UTC second at which the tags' clocks stood at the same number
SLOT_S = rotation.SLOT_S
KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))  # with which the gateway signs


def payloads(keys: list[rotation.Keys]) -> list[bytes]:
    """A report a slot: every tag heard once in it."""
    sealed: list[bytes] = []
    previous = report.FIRST_PREVIOUS
    for number in range(REPORTS):
        t = START + number * SLOT_S
        windows = []
        for key in keys:
            data = frame.seal(key, t, 7)
            windows.append(report.Window(report.KIND_ZONETAG, data[13:21], data[25:31], 0, 390, 4, -60, -61, -64, -70))
        payload = report.encode(
            report.Report(
                "entrance",
                1 << 32,
                number + 1,
                previous,
                report.Base(t * 1000, number * SLOT_S * 1000, True),
                report.columns_of(windows),
                {},
            )
        )
        previous = report.hash_of(payload)
        sealed.append(envelope.wrap(payload, topics.REPORT, KEY))
    return sealed


def registered(data: Path, database: str | None = None) -> list[rotation.Keys]:
    """A database with one gateway and all tags; `database`: its URL, if it is no file of the folder."""
    settings = configs.load(None, {"data": str(data), "database": database})
    keyring = open_key_file(settings.key_file)
    engine = open_database(settings.database)
    with writing(engine) as connection:
        registry.add_site(connection, "hq", "Office", "Asia/Ho_Chi_Minh", 300)
        registry.add_place(connection, "hq", "Door", "entrance")
        registry.add_gateway(connection, "entrance", "hq", "Door", START * 1000)
        signing_keys.take(connection, "entrance", KEY.public_key().public_bytes_raw(), START * 1000)
        new = [add_tag(connection, keyring, f"T-{i}", START * 1000, t0=START) for i in range(TAGS)]
    engine.dispose()
    return [rotation.derive_keys(tag.master) for tag in new]


def publish(port: int, messages: list[bytes]) -> None:
    """As fast as the broker takes them, QoS 1, from a thread of its own."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.max_inflight_messages_set(100)
    client.connect("127.0.0.1", port)
    client.loop_start()
    sent = [client.publish(topics.topic("hq", "entrance", topics.REPORT), message, qos=1) for message in messages]
    for each in sent:
        each.wait_for_publish(300)
    client.disconnect()
    client.loop_stop()


def windows(backend: Backend) -> int:
    """Windows committed so far."""
    count = backend.counters()["windows"]
    assert isinstance(count, int)
    return count


async def through(data: Path, port: int, messages: list[bytes], database: str | None = None) -> float:
    """Seconds from the first publish to the last commit."""
    given = {"data": str(data), "database": database, "broker.url": f"mqtt://127.0.0.1:{port}", "http.port": 0}
    settings = configs.load(None, given)
    now = (START + REPORTS * SLOT_S) * 1000
    async with Backend(settings, lambda: now) as backend:
        while not backend.connected:  # noqa: ASYNC110  # nothing tells of it
            await asyncio.sleep(0.05)
        sender = threading.Thread(target=publish, args=(port, messages))
        with timed() as seconds:
            sender.start()
            while windows(backend) < TAGS * REPORTS:  # noqa: ASYNC110  # asked seldom enough to cost nothing
                await asyncio.sleep(0.02)
        sender.join()
        counted = backend.counters()
        if counted["observations"] != TAGS * REPORTS:
            sys.exit(f"not every window became an observation: {counted}")
    return seconds()


def bare(data: Path, folder: Path, together: int) -> float:
    """Seconds for the same rows by executemany, `together` reports a transaction, into an empty database."""
    source = open_database(configs.load(None, {"data": str(data)}).database)
    batches: list[list[rows.Row]] = []
    with reading(source) as connection:
        days = [name for name in inspect(connection).get_table_names() if name.startswith("heard_")]
        for name in days:
            table = heard.table_of_day(name.removeprefix("heard_"))
            ordered = select(table).order_by(table.c.seq, table.c.tag)
            every = [tuple(row) for row in connection.execute(ordered)]
            size = TAGS * together
            batches += [sorted(every[i : i + size]) for i in range(0, len(every), size)]  # as the table is
    source.dispose()
    target = open_database(configs.load(None, {"data": str(folder)}).database)
    table = heard.table_of_day(days[0].removeprefix("heard_"))
    with writing(target) as connection:
        heard.make(connection, days[0].removeprefix("heard_"))
    with timed() as seconds:
        for batch in batches:
            with writing(target) as connection:
                rows.insert(connection, table, batch)
    target.dispose()
    return seconds()


def on_postgresql(program: str, folder: Path, reference: float) -> None:
    """The same, into a server of its own: its data where the file was, its commits brought to the disk."""
    found = programs()
    if found is None:
        print("ingest: PostgreSQL is not installed (apt-get install postgresql): not measured")
        return
    server = PostgreSQL(found, folder=Path(tempfile.gettempdir()))
    data = folder / "postgresql"
    data.mkdir()
    server.start()
    broker = Mosquitto(program, data, "allow_anonymous true\nmax_queued_messages 0\n")
    try:
        url = server.make("ingest")
        messages = payloads(registered(data, url))
        broker.start()
        took = asyncio.run(through(data, broker.port, messages, url))
    finally:
        broker.stop()
        server.close()
    show(
        "ingest: MQTT to committed rows, PostgreSQL", TAGS * REPORTS / took, "windows/s", "the same, SQLite", reference
    )


def main() -> None:
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        print("ingest: mosquitto is not installed (apt-get install mosquitto): not measured")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "data").mkdir()
        for each in ("bare", "grouped"):
            (folder / each).mkdir()
        messages = payloads(registered(folder / "data"))
        broker = Mosquitto(program, folder, "allow_anonymous true\nmax_queued_messages 0\n")
        broker.start()
        try:
            whole = asyncio.run(through(folder / "data", broker.port, messages))
        finally:
            broker.stop()
        one = TAGS * REPORTS / bare(folder / "data", folder / "bare", 1)
        grouped = TAGS * REPORTS / bare(folder / "data", folder / "grouped", GROUP_BYTES // len(messages[0]))
    mine = TAGS * REPORTS / whole
    show("ingest: MQTT to committed rows", mine, "windows/s", "executemany, grouped", grouped)
    show("ingest: MQTT to committed rows", mine, "windows/s", "executemany, one by one", one)
    show("ingest: bare executemany, grouped as the backend does", grouped, "rows/s")
    with tempfile.TemporaryDirectory() as name:
        on_postgresql(program, Path(name), mine)
    show("ingest: bare executemany, a transaction a report", one, "rows/s")


if __name__ == "__main__":
    main()
