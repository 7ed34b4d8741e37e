"""The page for Prometheus: strictly its format, what is on it true, no tag on it, and nothing else served."""

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from rig.backend_stub import BackendStub
from rig.brokers import Mosquitto
from rig.running import running, until

from zonetag_gateway import metrics
from zonetag_gateway.config import Config
from zonetag_gateway.metrics_server import MAX_CLIENTS, MAX_HEAD, serve

Configure = Callable[..., Config]
LIMIT_S = 120.0
NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9]+(?:\.[0-9]+)?)")

HEALTH: dict[str, Any] = {
    "utc_ms": 1_800_000_000_500,
    "synchronised": False,
    "boot": 1,
    "source": "bleak",
    "spool": {"reports": 4, "bytes": 40_960, "dropped": 0, "held": 2},
    "sent": 9,
    "resent": 1,
    "acknowledged": 5,
    "refused": 0,
    "acks_ignored": 0,
    "acks_malformed": 0,
    "tallies": {"adverts": 100, "adverts.unknown": 60, "malformed": 3, "dropped.flood": 7, "windows": 12},
    "broker": {"version": "5", "connects": 2},
    "recovery": {"restart-scan": 3, "power-cycle": 1},
    "recovery_failed": {},
}


def scene(**changes: Any) -> metrics.Scene:
    return metrics.Scene(
        **{
            "health": HEALTH,
            "version": "1.0",
            "limit_bytes": 512_000_000,
            "connected": True,
            "last_advert_age_s": 2.5,
            "uptime_s": 60.0,
            **changes,
        }
    )


def parsed(page: str) -> dict[str, float]:
    """Every sample by name and labels.  Strict: a line that the format does not allow fails."""
    assert page.endswith("\n")
    assert "\n\n" not in page
    kinds: dict[str, str] = {}
    found: dict[str, float] = {}
    helped = ""
    for line in page.splitlines():
        if line.startswith("# HELP "):
            helped = line.split(" ")[2]
            assert helped not in kinds, "a family stands twice"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == helped
            assert kind in ("counter", "gauge")
            assert (kind == "counter") == name.endswith("_total")
            kinds[name] = kind
        else:
            match = SAMPLE.fullmatch(line)
            assert match, line
            assert match[1] == helped, "a sample outside its family"
            key = match[1] + (match[2] or "")
            assert key not in found, "a sample stands twice"
            found[key] = float(match[3])
    assert list(kinds) == metrics.names()
    return found


def test_the_page_is_the_format_and_says_what_is() -> None:
    found = parsed(metrics.page(scene()))
    wanted = {
        'info{version="1.0",source="bleak",mqtt="5"}': 1,
        'adverts_total{kind="tags"}': 30,
        'adverts_total{kind="unknown"}': 60,
        'adverts_total{kind="malformed"}': 3,
        'dropped_total{reason="flood"}': 7,
        'dropped_total{reason="disk"}': 0,
        "windows_total": 12,
        'recovery_steps_total{step="restart-scan"}': 3,
        "reports_sent_total": 9,
        "reports_acknowledged_total": 5,
        "spool_reports": 4,
        "spool_bytes": 40_960,
        "spool_limit_bytes": 512_000_000,
        "spool_held_reports": 2,
        "broker_connected": 1,
        "clock_synchronised": 0,
        "clock_seconds": 1_800_000_000.5,
        "last_advert_age_seconds": 2.5,
    }
    assert {name: found[metrics.PREFIX + name] for name in wanted} == wanted


def test_labels_are_escaped() -> None:
    assert r'version="a\"b\\c\nd"' in metrics.page(scene(version='a"b\\c\nd'))
    parsed(metrics.page(scene(version='a"b\\c\nd')))


async def ask(port: int, request: bytes) -> tuple[str, str]:
    """Head and body of the answer; ("", "") when there was none."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        if not request.endswith(b"\r\n\r\n"):
            writer.write_eof()
        answer = (await reader.read()).decode()
    except ConnectionError:
        return "", ""
    finally:
        writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return head, body


GET = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"


def test_a_running_gateway_serves_it(broker: Mosquitto, configure: Configure, port: int) -> None:
    async def scenario() -> None:
        config = configure(broker.url, metrics={"listen": f"127.0.0.1:{port}"})
        async with BackendStub(broker.port) as stub, running(config) as gateway:
            await until(lambda: len(stub.reports) >= 3)
            head, body = await ask(port, GET)
            assert head.startswith("HTTP/1.1 200 OK\r\n")
            assert f"Content-Type: {metrics.CONTENT_TYPE}" in head
            assert f"Content-Length: {len(body.encode())}" in head
            found = parsed(body)
            assert found["zonetag_gateway_broker_connected"] == 1
            assert found['zonetag_gateway_adverts_total{kind="tags"}'] > 0
            assert found["zonetag_gateway_reports_sent_total"] >= 1
            assert found["zonetag_gateway_last_advert_age_seconds"] < 60
            # No tag: none of what was heard stands there in any form.
            for window in stub.windows():
                assert window.eid.hex() not in body
            await gateway.end()

    asyncio.run(scenario())


async def page() -> str:
    return "x 1\n"


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (GET, "200"),
        (b"GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200"),
        (b"GET / HTTP/1.1\r\n\r\n", "404"),
        (b"GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", "404"),
        (b"POST /metrics HTTP/1.1\r\n\r\n", "405"),
        (b"GET /metrics\r\n\r\n", "400"),
        (b"\xff\xfe\0\r\n\r\n", "400"),
        (b"GET /metrics HTTP/1.1\r\n", "400"),  # and then nothing
        (b"GET /" + b"a" * 2 * MAX_HEAD + b" HTTP/1.1\r\n\r\n", "400"),
    ],
)
def test_nothing_else_is_served(request_: bytes, status: str, port: int) -> None:
    async def scenario() -> None:
        serving = asyncio.create_task(serve("127.0.0.1", port, page))
        await listening(port)
        head, _ = await ask(port, request_)
        assert head.split(" ")[1:2] == [status] or (head == "" and len(request_) > MAX_HEAD)
        await ended(serving)

    asyncio.run(scenario())


def test_silent_clients_are_bounded_and_given_up(port: int) -> None:
    async def scenario() -> None:
        serving = asyncio.create_task(serve("127.0.0.1", port, page))
        await listening(port)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MAX_CLIENTS)]
        await until_refused(port)
        for reader, writer in silent:
            assert await reader.read() == b""  # hung up on, after a while
            writer.close()
        assert (await ask(port, GET))[0].startswith("HTTP/1.1 200")
        await ended(serving)

    asyncio.run(scenario())


async def until_refused(port: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while (await ask(port, GET))[0]:
            pass


async def listening(port: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.01)
            else:
                writer.close()
                return


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait((task,))


def test_a_port_that_is_taken_stops_no_gateway(broker: Mosquitto, configure: Configure) -> None:
    async def scenario() -> None:
        config = configure(broker.url, metrics={"listen": f"127.0.0.1:{broker.port}"})
        async with BackendStub(broker.port) as stub, running(config) as gateway:
            await until(lambda: len(stub.reports) >= 2)
            await gateway.end()

    asyncio.run(scenario())


def test_off_is_the_default(configure: Configure) -> None:
    assert configure("mqtt://127.0.0.1").metrics.listen is None
    assert configure("mqtt://127.0.0.1", metrics={"listen": ""}).metrics.listen is None
