"""The commands, as typed: a new office's authority, the broker's files, and a gateway that is stolen."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from rig.tls_broker import OfficeRig, TlsBroker, certificate_of, now_ms, pause

from zonetag_backend.ca_watch import CaWatch
from zonetag_backend.cli import main
from zonetag_backend.config import load
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority, mosquitto, profile
from zonetag_backend.pki.folder import ROOT_FILE, Folder
from zonetag_backend.store import certificates, roster
from zonetag_backend.store.engine import open_database, reading, writing

DAY_MS = profile.DAY_MS


@pytest.fixture
def where(tmp_path: Path) -> tuple[str, ...]:
    (tmp_path / "phrase").write_text("correct horse battery\n")
    return ("--data", str(tmp_path / "data"))


def made(where: tuple[str, ...], tmp_path: Path) -> int:
    return main(
        ["ca", "init", "--root-out", str(tmp_path / "stick"), "--passphrase-file", str(tmp_path / "phrase"), *where]
    )


def renewed(where: tuple[str, ...], tmp_path: Path, *more: str) -> int:
    words = ["ca", "renew", "--root", str(tmp_path / "stick"), "--passphrase-file", str(tmp_path / "phrase")]
    return main([*words, *more, *where])


def test_a_new_authority(where: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert made(where, tmp_path) == 0
    assert str(tmp_path / "stick" / ROOT_FILE) in capsys.readouterr().out
    for path in (tmp_path / "data" / "pki").iterdir():
        private = path.name not in {"root.pem", "crl.pem"}
        assert path.stat().st_mode & 0o777 == (0o600 if private else 0o644), path
    assert b"PRIVATE" not in (tmp_path / "data" / "pki" / "root.pem").read_bytes()
    assert main(["ca", "show", "--json", *where]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert {each["level"] for each in shown["terms"]} == {"ok"}
    assert {each["what"] for each in shown["terms"]} == {"root", "issuing", "crl", "client"}
    assert main(["ca", "show", *where]) == 0


def test_twice_is_refused_and_changes_nothing(
    where: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert made(where, tmp_path) == 0
    before = (tmp_path / "data" / "pki" / "issuing.pem").read_bytes()
    assert made(where, tmp_path) == 1
    assert "already" in capsys.readouterr().err
    assert (tmp_path / "data" / "pki" / "issuing.pem").read_bytes() == before


def test_a_start_that_was_cut_short_goes_on_from_the_root(where: tuple[str, ...], tmp_path: Path) -> None:
    """Killed after the root was written: `init` says so, `renew` finishes it."""
    assert made(where, tmp_path) == 0
    for path in (tmp_path / "data" / "pki").iterdir():
        path.unlink()
    assert made(where, tmp_path) == 1
    assert renewed(where, tmp_path) == 0
    assert Folder(tmp_path / "data").open()


def test_the_root_never_lies_beside_what_it_guards(where: tuple[str, ...], tmp_path: Path) -> None:
    words = ["ca", "init", "--root-out", str(tmp_path / "data" / "x"), "--passphrase-file", str(tmp_path / "phrase")]
    assert main([*words, *where]) == 1
    assert not (tmp_path / "data" / "x").exists()


def test_renewal_keeps_the_key_unless_it_was_stolen(where: tuple[str, ...], tmp_path: Path) -> None:
    assert made(where, tmp_path) == 0
    first = OfficeCa.open(tmp_path / "data")
    assert renewed(where, tmp_path) == 0
    assert OfficeCa.open(tmp_path / "data").issuer == first.issuer
    assert renewed(where, tmp_path, "--new-key") == 0
    ca = OfficeCa.open(tmp_path / "data")
    assert ca.issuer != first.issuer
    database = open_database(f"sqlite:///{tmp_path}/data/zonetag.db")
    own = certificate_of(ca.folder.file(profile.BACKEND_NAME))
    with reading(database) as connection:
        assert ca.good(connection, own, now_ms())
        counted = [each for each in certificates.entries(connection, now_ms()) if each.revoked_ms is None]
    assert {each.issuer for each in counted} == {ca.issuer}
    database.dispose()


def test_the_brokers_folder_is_complete(where: tuple[str, ...], tmp_path: Path) -> None:
    assert made(where, tmp_path) == 0
    out = tmp_path / "broker"
    words = ["broker", "config", "--out", str(out), "--host", "broker.local", "192.0.2.7", *where]
    assert main(words) == 0
    names = {mosquitto.CONF, mosquitto.ACL, mosquitto.CA, mosquitto.CERT, mosquitto.CRL}
    assert {path.name for path in out.iterdir()} == names
    assert (out / mosquitto.CERT).stat().st_mode & 0o777 == 0o600
    serial = authority.serial(certificate_of(out / mosquitto.CERT))
    assert main(words) == 0
    assert authority.serial(certificate_of(out / mosquitto.CERT)) == serial
    # Another name: another certificate, and the one before counts no longer.
    assert main(["broker", "config", "--out", str(out), "--host", "mqtt.local", *where]) == 0
    crl = x509.load_pem_x509_crl((out / mosquitto.CRL).read_bytes())
    assert serial in {f"{each.serial_number:040x}" for each in crl}


@pytest.fixture
def watched(broker: TlsBroker) -> Iterator[TlsBroker]:
    """What systemd does on a real machine: a new list makes mosquitto read it."""
    stop = threading.Event()
    path = broker.out / mosquitto.CRL

    def watch() -> None:
        seen = path.read_bytes()
        while not stop.is_set():
            if (now := path.read_bytes()) != seen:
                seen = now
                broker.reload()
            pause()

    thread = threading.Thread(target=watch)
    thread.start()
    yield broker
    stop.set()
    thread.join()


def test_a_stolen_gateway(watched: TlsBroker, rig: OfficeRig, capsys: pytest.CaptureFixture[str]) -> None:
    stolen, other = watched.call(path := rig.gateway("gw1")), watched.call(rig.gateway("gw2"))
    words = ["gateway", "revoke", "gw1", "--reason", "stolen", "--data", str(rig.data)]
    assert main([*words, "--broker", f"mqtts://127.0.0.1:{watched.port}"]) == 0, capsys.readouterr().err
    assert stolen.ended()
    assert watched.call(path).said == "refused"
    assert other.is_up
    capsys.readouterr()
    assert main(["gateway", "list", "--json", "--data", str(rig.data)]) == 0
    assert {row["name"]: row["revoked"] for row in json.loads(capsys.readouterr().out)} == {"gw1": True, "gw2": False}
    with reading(rig.database) as connection:
        assert set(roster.read(connection).posts) == {"gw2"}, "and whatever it signs is refused"
        assert connection.exec_driver_sql("SELECT about, reason FROM audit WHERE action = 'gateway.revoke'").all() == [
            ("gw1", "stolen")
        ]
    assert main(["gateway", "revoke", "nobody", "--data", str(rig.data)]) == 1


def test_a_damaged_authority_does_not_stand_in_the_way(rig: OfficeRig, capsys: pytest.CaptureFixture[str]) -> None:
    (rig.ca.folder.path / "issuing.pem").write_text("half a ke")
    assert main(["gateway", "revoke", "gw1", "--data", str(rig.data)]) == 1
    assert "backup" in capsys.readouterr().err
    with reading(rig.database) as connection:
        assert set(roster.read(connection).posts) == {"gw2"}


def test_a_revocation_that_found_no_broker_is_finished_by_the_server(watched: TlsBroker, rig: OfficeRig) -> None:
    """The command could not reach the broker; the server, a minute later, can."""
    stolen = watched.call(rig.gateway("gw1"))
    words = ["gateway", "revoke", "gw1", "--data", str(rig.data), "--wait", "0"]
    assert main([*words, "--broker", "mqtts://127.0.0.1:1"]) == 1
    config = load(None, {"data": str(rig.data), "broker.url": f"mqtts://127.0.0.1:{watched.port}"})
    server = CaWatch(rig.database, config, lambda: now_ms() + 120_000)
    server.look()
    assert stolen.ended()
    with reading(rig.database) as connection:
        assert certificates.to_kick(connection, now_ms() + DAY_MS) == []


def test_one_that_is_enrolled_again_is_believed_again(rig: OfficeRig) -> None:
    old = certificate_of(rig.gateway("gw1"))
    with writing(rig.database) as connection:
        certificates.revoke_gateway(connection, "gw1", now_ms())
        assert certificates.is_revoked(connection, "gw1")
        certificates.restore_gateway(connection, "gw1")
    new = certificate_of(rig.gateway("gw1"))
    with reading(rig.database) as connection:
        assert set(roster.read(connection).posts) == {"gw1", "gw2"}
        assert rig.ca.good(connection, new, now_ms())
        assert not rig.ca.good(connection, old, now_ms())
        assert not rig.ca.good(connection, new, now_ms() + 91 * DAY_MS)


def test_the_server_tells_what_ends(rig: OfficeRig, caplog: pytest.LogCaptureFixture) -> None:
    rig.gateway("gw1")
    at = [now_ms() + 75 * DAY_MS]
    server = CaWatch(rig.database, load(None, {"data": str(rig.data)}), lambda: at[0])
    server.look()
    told = [each for each in caplog.records if "gw1" in each.getMessage()]
    assert [each.levelname for each in told] == ["WARNING"]
    at[0] += 10 * DAY_MS
    server.look()
    told = [each for each in caplog.records if "gw1" in each.getMessage()]
    assert [each.levelname for each in told] == ["WARNING", "ERROR"]
    # What renews itself has renewed itself, and is not told.
    assert not [each for each in caplog.records if profile.BACKEND_NAME in each.getMessage() and "ends" in each.msg]


def test_a_brokers_folder_that_cannot_be_written_is_told(
    rig: OfficeRig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("not a folder")
    told = {"out": str(tmp_path / "file" / "x"), "hosts": ["h"], "port": 8883}
    (rig.ca.folder.path / "broker.json").write_text(json.dumps(told))
    CaWatch(rig.database, load(None, {"data": str(rig.data)}), now_ms).look()
    assert any("cannot write" in each.getMessage() for each in caplog.records)
    assert any("crl" in each.getMessage() and each.levelname == "ERROR" for each in caplog.records)
