"""From the air to a real broker and back: nothing lost, nothing deleted too early, scanning never stopped."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from rig.backend_stub import BackendStub, ack
from rig.brokers import Mosquitto
from rig.disks import take_the_rest
from rig.running import check_all_arrived, more_than, no_gap, running, until
from rig.tags import Air

from zonetag_backend.broker import EmbeddedBroker
from zonetag_gateway.app import Gateway
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import Config
from zonetag_gateway.errors import BrokerSettings, SpoolBusy
from zonetag_gateway.spool import Spool
from zonetag_protocol.report import Report

Configure = Callable[..., Config]
Broker = Callable[..., Mosquitto]


def test_everything_heard_arrives_once_and_leaves_the_spool(broker: Mosquitto, configure: Configure) -> None:
    async def scenario() -> None:
        async with BackendStub(broker.port) as stub:
            async with running(configure(broker.url)) as gateway:
                await until(lambda: len(stub.reports) >= 3)
                summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)
            assert len(set(stub.names())) == len(stub.names())  # and nothing twice, while all is well
            await until(lambda: json.loads(stub.last("state") or b'{"online":1}')["online"] is False)
            health = json.loads(stub.last("health") or b"{}")
            assert health["acknowledged"] == summary["acknowledged"]
            assert health["spool"]["reports"] == 0
            assert health["broker"]["version"] == "5"
            assert health["tallies"]["adverts"] == summary["adverts"]

    asyncio.run(scenario())


def test_with_a_311_broker(configure: Configure) -> None:
    async def scenario() -> None:
        async with EmbeddedBroker() as broker, BackendStub(broker.port) as stub:
            async with running(configure(f"mqtt://127.0.0.1:{broker.port}")) as gateway:
                await until(lambda: len(stub.reports) >= 3)
                await until(lambda: "broker" in json.loads(stub.last("health") or b"{}"))
                assert json.loads(stub.last("health") or b"{}")["broker"]["version"] == "3.1.1"
                summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)

    asyncio.run(scenario())


def test_a_broker_killed_and_started_again_loses_nothing(broker: Mosquitto, configure: Configure) -> None:
    async def scenario() -> None:
        async with BackendStub(broker.port) as stub:
            async with running(configure(broker.url)) as gateway:
                await until(lambda: len(stub.reports) >= 2)
                for _ in range(2):
                    await asyncio.to_thread(broker.kill)
                    reports = len(stub.reports)
                    await until(partial(more_than, gateway.heard, gateway.heard() + 40))  # scanning goes on meanwhile
                    await asyncio.to_thread(broker.start)
                    await until(partial(more_than, lambda: len(stub.reports), reports + 2))
                summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)

    asyncio.run(scenario())


def test_a_broker_absent_at_the_start(new_broker: Broker, configure: Configure) -> None:
    async def scenario() -> None:
        broker = new_broker()
        async with running(configure(broker.url)) as gateway:
            await until(lambda: gateway.air.given > 60)
            await asyncio.to_thread(broker.start)
            stub = BackendStub(broker.port)
            async with stub:
                await until(lambda: len(stub.reports) >= 3)
                summary = await gateway.end()
                check_all_arrived(stub, gateway, summary)

    asyncio.run(scenario())


def test_a_pubacked_report_stays_until_the_backend_has_it(
    broker: Mosquitto, configure: Configure, tmp_path: Path
) -> None:
    """The backend hears and says nothing; the next run delivers the same reports again, under the same names."""

    async def scenario() -> None:
        config = configure(broker.url)
        deaf = BackendStub(broker.port, answer=lambda report, stub: [])
        async with deaf, running(config, drain_s=0.1) as gateway:
            await until(lambda: len(deaf.reports) >= 2)
            await until(lambda: len(deaf.names()) > len(set(deaf.names())))  # sent again: nobody acknowledges
            summary = await gateway.end()
        assert summary["acknowledged"] == 0
        assert summary["spooled"] == summary["reports"] >= 2
        first_boot = {boot for boot, _ in deaf.names()}
        async with BackendStub(broker.port) as stub, running(config) as gateway:
            await until(lambda: len({boot for boot, _ in stub.names()}) == 2)
            summary = await gateway.end()
        assert summary["spooled"] == 0
        assert no_gap(stub.reports)
        assert first_boot < {boot for boot, _ in stub.names()}
        assert stub.names()[0][1] == 1  # the oldest first

    asyncio.run(scenario())


def test_a_lost_acknowledgement_is_made_good(broker: Mosquitto, configure: Configure) -> None:
    def answer(report: Report, stub: BackendStub) -> list[bytes]:
        return [] if report.seq <= 3 and len(stub.reports) < 6 else [stub.ack_of(report)]

    async def scenario() -> None:
        async with BackendStub(broker.port, answer) as stub:
            async with running(configure(broker.url)) as gateway:
                await until(lambda: len(stub.reports) >= 8)
                summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)
            assert len(stub.names()) > len(set(stub.names()))

    asyncio.run(scenario())


def test_acknowledgements_that_are_not_meant_or_not_whole(broker: Mosquitto, configure: Configure) -> None:
    """For another gateway, of another boot, of more than was sent, cut off, noise: nothing goes that should not."""

    def answer(report: Report, stub: BackendStub) -> list[bytes]:
        good = stub.ack_of(report)
        return [
            ack("another", report.boot, 10**9),
            ack(report.gateway, report.boot + 1, 10**9),
            good[:-1],
            good + b"\0",
            b"",
            b"\xff" * 300,
        ]

    async def scenario() -> None:
        async with BackendStub(broker.port, answer) as stub:
            async with running(configure(broker.url, health={"every_s": 1}), drain_s=0.1) as gateway:
                await until(lambda: json.loads(stub.last("health") or b'{"acks_malformed":0}')["acks_malformed"] >= 8)
                summary = await gateway.end()
            assert summary["acknowledged"] == 0
            assert summary["spooled"] == summary["reports"]
            health = json.loads(stub.last("health") or b"")
            assert health["acks_ignored"] >= 2
            assert health["acks_ignored"] * 2 == health["acks_malformed"]

    asyncio.run(scenario())


def test_the_last_will_is_told_when_a_gateway_vanishes(broker: Mosquitto, configure: Configure) -> None:
    async def scenario() -> None:
        async with BackendStub(broker.port) as stub:
            async with running(configure(broker.url)):
                await until(lambda: b'"online":true' in (stub.last("state") or b""))
                state = json.loads(stub.last("state") or b"")
                broker_side = [line for line in broker.log if "zonetag-hq-entrance" in line]
                assert any("p5" in line for line in broker_side)
                # Somebody takes its name: the broker throws the gateway out, which is what vanishing looks like.
                thief = mqtt.Client(CallbackAPIVersion.VERSION2, "zonetag-hq-entrance")
                thief.connect("127.0.0.1", broker.port)
                thief.loop_start()
                await until(lambda: any(b'"online":false' in payload for _, payload, _ in stub.others))
                thief.disconnect()
                thief.loop_stop()
                await until(lambda: b'"online":true' in (stub.last("state") or b""))
            assert set(state) == {"online", "since", "version", "boot"}
            gone = next(json.loads(payload) for _, payload, _ in stub.others if b'"online":false' in payload)
            assert gone["boot"] == state["boot"]

    asyncio.run(scenario())


def test_a_broker_that_does_not_authorise(
    new_broker: Broker, configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """MQTT v5 says so: counted, told once with what to do, and everything is kept."""
    acl = tmp_path / "acl"
    acl.write_text(
        "topic read #\ntopic write zonetag/v1/hq/entrance/health\ntopic write zonetag/v1/hq/entrance/state\n"
    )
    broker = new_broker(f"allow_anonymous true\nacl_file {acl}\n")
    broker.start()

    async def scenario() -> None:
        stub = BackendStub(broker.port)
        async with stub, running(configure(broker.url, health={"every_s": 1}), drain_s=0.1) as gateway:
            await until(lambda: json.loads(stub.last("health") or b'{"refused":0}')["refused"] >= 2)
            summary = await gateway.end()
        assert summary["spooled"] == summary["reports"] >= 1
        assert not stub.reports

    asyncio.run(scenario())
    told = [record for record in caplog.records if "refuses a publish" in record.getMessage()]
    assert len(told) == 1
    assert "zonetag/v1/hq/entrance/report" in told[0].getMessage()


def test_no_secret_and_no_identifier_in_the_log(
    new_broker: Broker, configure: Configure, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    password = tmp_path / "password"
    password.write_text("correct-horse\n")
    broker = new_broker("allow_anonymous false\n")
    broker.start()

    async def scenario() -> list[bytes]:
        config = configure(broker.url, broker={"username": "entrance", "password_file": "password"})
        async with running(config, drain_s=0.1) as gateway:
            await until(lambda: any("password_file" in record.getMessage() for record in caplog.records))
            await gateway.end()
        return gateway.chatter.sent

    auths = asyncio.run(scenario())
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert "correct-horse" not in text
    assert "check broker.username" in text
    assert not any(auth.hex() in text for auth in auths)


def test_a_disk_that_gets_full_stops_nothing(broker: Mosquitto, configure: Configure, tiny_disk: Path) -> None:
    """Reports wait in memory, the adverts go on; once there is room all of it arrives, without a gap."""

    async def scenario() -> None:
        config = configure(broker.url, spool={"path": str(tiny_disk / "spool.db")}, health={"every_s": 1})
        async with BackendStub(broker.port, answer=lambda report, stub: []) as stub:
            async with running(config, per_s=200) as gateway:
                await until(lambda: len(stub.reports) >= 1)
                take_the_rest(tiny_disk)
                await until(lambda: json.loads(stub.last("health") or b'{"spool":{"held":0}}')["spool"]["held"] > 3)
                heard = gateway.air.given
                await until(lambda: gateway.air.given > heard + 100)
                stub.answer = lambda report, stub: [stub.ack_of(report)]  # the backend is well again
                (tiny_disk / "somebody-else").unlink()
                summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)

    asyncio.run(scenario())


def test_a_broker_that_takes_few_at_a_time(new_broker: Broker, configure: Configure) -> None:
    """MQTT v5's Receive Maximum is kept to."""
    broker = new_broker("allow_anonymous true\nmax_inflight_messages 2\nset_tcp_nodelay true\n")
    broker.start()

    async def scenario() -> None:
        config = configure(broker.url, report={"every_s": 0.5, "max_windows": 1}, broker={"in_flight": 50})
        async with BackendStub(broker.port) as stub:
            async with running(config, per_s=100) as gateway:
                await until(lambda: len(stub.reports) >= 100)
                summary = await gateway.end()
            check_all_arrived(stub, gateway, summary)

    asyncio.run(scenario())
    assert not any("exceeded" in line.lower() or "protocol error" in line.lower() for line in broker.log)


def test_a_certificate_that_is_none_ends_the_gateway(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    config = configure("mqtts://127.0.0.1:1", broker={"ca": "ca.pem"})

    async def scenario() -> None:
        with pytest.raises(BrokerSettings) as caught:
            await Gateway(config, Air(), SystemClock(), "0.0").run(asyncio.Event(), 0.1)
        assert "broker.ca" in caught.value.to_do

    asyncio.run(scenario())


def test_a_second_gateway_on_the_same_spool(configure: Configure) -> None:
    config = configure("mqtt://127.0.0.1:1")
    spool = Spool(config.spool.path, 10**6)
    with pytest.raises(SpoolBusy):
        asyncio.run(Gateway(config, Air(), SystemClock(), "0.0").run(asyncio.Event(), 1))
    spool.close()
