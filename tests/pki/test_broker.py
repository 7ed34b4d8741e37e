"""The broker's rules, one by one, against a real mosquitto; each with the same act by somebody who may."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.tls_broker import OfficeRig, TlsBroker, certificate_of, keep, make_rig, now_ms

from zonetag_backend import kick
from zonetag_backend.knock import REFUSED, TAKEN, UNREACHABLE, Door, knock
from zonetag_backend.pki import authority, mosquitto, profile, revocation
from zonetag_backend.store import certificates
from zonetag_backend.store.engine import reading, writing
from zonetag_protocol.envelope import MAX_BYTES

OK = "Success"
NOT_ALLOWED = "Not authorized"
DAY_MS = profile.DAY_MS
# paho leaves the socket of a handshake that failed to the collector of garbage, which closes it.
UNCLOSED = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


def client_file(rig: OfficeRig, folder: Path, name: str, ca: authority.Authority | None = None) -> Path:
    """A client's certificate by any authority, in a file of its own."""
    signer = rig.ca.opened.issuing if ca is None else ca
    issued = authority.issue_client(signer, name, now_ms())
    return keep(folder / f"{name}-x.pem", issued.key_pem + authority.pem(issued.certificate, signer.certificate))


def test_a_gateway_with_its_certificate_is_taken(broker: TlsBroker, rig: OfficeRig) -> None:
    assert broker.call(rig.gateway("gw1")).said == OK


def test_nobody_without_a_certificate(broker: TlsBroker) -> None:
    assert broker.call(None).said == "refused"


def test_nobody_in_plain_text(broker: TlsBroker) -> None:
    assert broker.call(None, tls=None).said == "refused"


@UNCLOSED
def test_nobody_over_tls_1_2(broker: TlsBroker, rig: OfficeRig) -> None:
    good = rig.gateway("gw1")
    assert broker.call(good, tls=ssl.TLSVersion.TLSv1_2).said.startswith("refused")
    assert broker.call(good, tls=ssl.TLSVersion.TLSv1_3).said == OK


def test_the_same_name_from_another_authority(broker: TlsBroker, rig: OfficeRig, tmp_path: Path) -> None:
    other = make_rig(tmp_path / "other")
    ours = rig.ca.folder.path / "root.pem"
    assert broker.call(other.gateway("gw1"), ca=ours).said == "refused"
    assert broker.call(rig.gateway("gw1"), ca=ours).said == OK
    other.database.dispose()


@pytest.mark.parametrize("at", ["expired", "not yet valid"])
def test_outside_its_time(require: Callable[..., str], tmp_path: Path, at: str) -> None:
    """An authority of a year ago, so that a certificate of its first day has ended."""
    rig = make_rig(tmp_path / "office", now_ms() - 365 * DAY_MS)
    rig.keep()
    broker = TlsBroker(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker", rig)
    broker.start()
    when = now_ms() - 100 * DAY_MS if at == "expired" else now_ms() + 3 * DAY_MS
    try:
        assert broker.call(rig.gateway("gw1", when)).said == "refused"
        assert broker.call(rig.gateway("gw1", now_ms() - 80 * DAY_MS)).said == OK
    finally:
        broker.stop()
        rig.database.dispose()


def test_a_revoked_one_once_the_list_is_read(broker: TlsBroker, rig: OfficeRig) -> None:
    stolen, other = rig.gateway("gw1"), rig.gateway("gw2")
    rig.revoke(stolen)
    assert broker.call(stolen).said == OK, "the control: a list that was not read anew says nothing"
    broker.reload()
    assert broker.call(stolen).said == "refused"
    assert broker.call(other).said == OK
    # Twice within a second: the newer list counts all the same.
    rig.revoke(other)
    broker.reload()
    assert broker.call(other).said == "refused"
    assert broker.call(rig.gateway("gw2")).said == OK


def test_a_servers_certificate_is_no_clients(broker: TlsBroker, rig: OfficeRig, tmp_path: Path) -> None:
    with writing(rig.database) as connection:
        server = keep(tmp_path / "server.pem", rig.ca.server(connection, ["gw1"], now_ms()))
    assert broker.call(server).said == "refused"
    assert broker.call(client_file(rig, tmp_path, "gw1")).said == OK


@UNCLOSED
def test_a_gateways_certificate_is_no_servers(broker: TlsBroker, rig: OfficeRig) -> None:
    """A thief who puts up a broker with it: no client of ours takes it, whatever its name."""
    door = Door("127.0.0.1", broker.port, rig.ca.folder.path / "root.pem", rig.own(profile.PROBE_NAME))
    door = Door(door.host, door.port, door.ca, rig.gateway("gw2"))
    assert knock(door, "gw2") == TAKEN
    broker.kill()
    (broker.out / mosquitto.CERT).write_bytes(rig.gateway("gw1").read_bytes())
    broker.start()
    assert broker.call(rig.gateway("gw1")).said == "refused: CERTIFICATE_VERIFY_FAILED"
    assert knock(door, "gw2") == UNREACHABLE


def test_a_gateway_publishes_on_its_own_topics_alone(broker: TlsBroker, rig: OfficeRig) -> None:
    gateway = broker.call(rig.gateway("gw1"))
    for leaf in ("report", "state", "health", "uplink", "done"):
        assert gateway.publish(f"zonetag/v1/hq/gw1/{leaf}", b"x") in {OK, "No matching subscribers"}
        assert gateway.publish(f"zonetag/v1/hq/gw2/{leaf}", b"x") == NOT_ALLOWED
    for topic in ("zonetag/v1/hq/gw1/cmd", "zonetag/v1/hq/gw1/ack", "zonetag/v1/hq/gw2/ack", "else", "$SYS/x"):
        assert gateway.publish(topic, b"x") == NOT_ALLOWED


def test_a_gateway_hears_its_own_topics_alone(broker: TlsBroker, rig: OfficeRig) -> None:
    """mosquitto grants any subscription, and delivers of it only what may be read."""
    one, two = broker.call(rig.gateway("gw1")), broker.call(rig.gateway("gw2"))
    for topic in ("#", "zonetag/v1/hq/gw2/ack", "zonetag/v1/+/+/report", "$SYS/#"):
        one.subscribe(topic)
    two.subscribe("zonetag/v1/hq/gw2/ack")
    backend, operator = broker.call(rig.own(profile.BACKEND_NAME)), broker.call(rig.own(profile.OPERATOR_NAME))
    assert two.publish("zonetag/v1/hq/gw2/report", b"secret") == OK
    assert backend.publish("zonetag/v1/hq/gw2/ack", b"for two") == OK
    assert operator.publish("zonetag/v1/hq/gw1/cmd", b"for one") == OK
    assert two.hears() == ("zonetag/v1/hq/gw2/ack", b"for two")
    # All of the above was sent before this, on the one way there is to it.
    assert one.hears() == ("zonetag/v1/hq/gw1/cmd", b"for one")


def test_our_own_may_do_what_they_need(broker: TlsBroker, rig: OfficeRig) -> None:
    backend, tap = broker.call(rig.own(profile.BACKEND_NAME)), broker.call(rig.own(profile.TAP_NAME))
    operator, gateway = broker.call(rig.own(profile.OPERATOR_NAME)), broker.call(rig.gateway("gw1"))
    for who in (backend, tap):
        who.subscribe("zonetag/v1/+/+/report")
    operator.subscribe("zonetag/v1/+/+/done")
    gateway.subscribe("zonetag/v1/hq/gw1/downlink")
    assert gateway.publish("zonetag/v1/hq/gw1/report", b"r") == OK
    assert gateway.publish("zonetag/v1/hq/gw1/done", b"d") == OK
    assert backend.publish("zonetag/v1/hq/gw1/downlink", b"l") == OK
    assert backend.hears()[1] == tap.hears()[1] == b"r"
    assert operator.hears()[1] == b"d"
    assert gateway.hears()[1] == b"l"
    assert backend.publish("zonetag/v1/hq/gw1/cmd", b"x") == NOT_ALLOWED
    assert backend.publish("zonetag/v1/hq/gw1/report", b"x") == NOT_ALLOWED
    assert tap.publish("zonetag/v1/hq/gw1/ack", b"x") == NOT_ALLOWED
    assert operator.publish("zonetag/v1/hq/gw1/ack", b"x") == NOT_ALLOWED


def test_nobody_takes_over_another_client_id(broker: TlsBroker, rig: OfficeRig) -> None:
    one = broker.call(rig.gateway("gw1"), client_id="gw1")
    thief = broker.call(rig.gateway("gw2"), client_id="gw1")
    assert thief.said == OK
    assert one.is_up
    assert one.publish("zonetag/v1/hq/gw1/state", b"x") in {OK, "No matching subscribers"}
    # The control: with the name itself it would be taken over.
    again = broker.call(rig.gateway("gw1"), client_id="else")
    assert again.said == OK
    assert one.ended()


def test_a_payload_that_is_too_large(broker: TlsBroker, rig: OfficeRig) -> None:
    topic = "zonetag/v1/hq/gw1/report"
    backend = broker.call(rig.own(profile.BACKEND_NAME))
    backend.subscribe("zonetag/v1/+/+/report")
    gateway = broker.call(rig.gateway("gw1"))
    assert gateway.publish(topic, bytes(MAX_BYTES)) == OK
    assert backend.hears()[1] == bytes(MAX_BYTES)
    assert gateway.publish(topic, bytes(mosquitto.PACKET_BYTES)) in {"Packet too large", "cut off"}
    assert backend.is_up
    assert backend.heard.empty()


def test_a_list_past_its_end_refuses_everybody(require: Callable[..., str], tmp_path: Path) -> None:
    """Why its age is watched."""
    rig = make_rig(tmp_path / "office", now_ms() - 60 * DAY_MS)
    broker = TlsBroker(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker", rig)
    old = revocation.crl(rig.ca.opened.issuing, [], 1, now_ms() - profile.CRL_MS - 1000)
    (broker.out / mosquitto.CRL).write_bytes(revocation.crl_pem(old))
    broker.start()
    gateway = rig.gateway("gw1")
    try:
        assert broker.call(gateway).said == "refused"
        rig.keep()
        broker.reload()
        assert broker.call(gateway).said == OK
    finally:
        broker.stop()
        rig.database.dispose()


def test_revoking_ends_a_session_that_is_open(broker: TlsBroker, rig: OfficeRig) -> None:
    stolen, other = broker.call(path := rig.gateway("gw1")), broker.call(rig.gateway("gw2"))
    assert stolen.said == other.said == OK
    revoked = rig.throw_out("gw1")
    rig.ca.write_crl(revoked.crl)
    rig.keep()
    broker.reload()
    assert stolen.is_up, "the control: the list alone does not end a session"
    with reading(rig.database) as connection:
        assert certificates.to_kick(connection, now_ms()) == ["gw1"]
    assert broker.kicker().kick(revoked, now_ms() + 20_000) == kick.KICKED
    assert stolen.ended()
    assert broker.call(path).said == "refused"
    assert other.is_up
    assert other.publish("zonetag/v1/hq/gw2/state", b"x") in {OK, "No matching subscribers"}
    with reading(rig.database) as connection:
        assert certificates.to_kick(connection, now_ms()) == []


def test_a_broker_that_was_not_told_is_found_out(broker: TlsBroker, rig: OfficeRig) -> None:
    stolen = broker.call(rig.gateway("gw1"))
    revoked = rig.throw_out("gw1")
    assert broker.kicker().kick(revoked, now_ms()) == kick.STALE
    assert stolen.ended(), "and the session was ended all the same"
    broker.kill()
    assert broker.kicker().kick(revoked, 0) == kick.AWAY


def test_a_certificate_made_anew_is_shown_after_a_reload(broker: TlsBroker, rig: OfficeRig) -> None:
    """What the server does by itself from day 60 on."""
    before = certificate_of(broker.out / mosquitto.CERT)
    new = rig.keep(now_ms() + 61 * DAY_MS)
    assert str(broker.out / mosquitto.CERT) in new
    assert certificate_of(broker.out / mosquitto.CERT) != before


def test_knocking_tells_three_things_apart(broker: TlsBroker, rig: OfficeRig) -> None:
    root = rig.ca.folder.path / "root.pem"
    assert knock(Door("127.0.0.1", broker.port, root, rig.gateway("gw1")), "gw1") == TAKEN
    assert knock(Door("127.0.0.1", broker.port, root, None), "gw1") == REFUSED
    broker.kill()
    assert knock(Door("127.0.0.1", broker.port, root, None), "gw1") == UNREACHABLE


@pytest.mark.parametrize("autosave", [True, False], ids=["ours", "the control: mosquitto's own"])
def test_what_was_queued_outlives_a_kill(
    require: Callable[..., str], rig: OfficeRig, tmp_path: Path, autosave: bool
) -> None:
    """The backend is away, the broker is killed.  (What it loses all the same is still in its gateway.)"""
    broker = TlsBroker(require("mosquitto", "apt-get install mosquitto"), tmp_path / "broker", rig)
    if not autosave:
        conf = broker.out / mosquitto.CONF
        conf.write_text("".join(line for line in conf.read_text().splitlines(True) if "autosave" not in line))
    broker.start()
    try:
        own = rig.own(profile.BACKEND_NAME)
        # As the server does: mosquitto keeps no session on disk that began with a clean start.
        broker.call(own, fresh=False).subscribe("zonetag/v1/+/+/report")
        broker.callers[0].close()
        gateway = broker.call(rig.gateway("gw1"))
        for number in range(100):
            assert gateway.publish("zonetag/v1/hq/gw1/report", str(number).encode()) == OK
        broker.kill()
        broker.start()
        again = broker.call(own, fresh=False)
        again.subscribe("zonetag/v1/+/+/report")
        assert broker.call(rig.gateway("gw2")).publish("zonetag/v1/hq/gw2/report", b"last") == OK
        came: list[bytes] = []
        while not came or came[-1] != b"last":
            came.append(again.hears()[1])
        assert len(came) - 1 >= 98 if autosave else len(came) == 1
    finally:
        broker.stop()
