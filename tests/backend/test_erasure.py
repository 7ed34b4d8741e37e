"""Erasing a person, and changing the key that seals all others."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.registry import Office, make_office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend.errors import AlreadyThere, KeyFileError
from zonetag_backend.keyfile import NEXT, make, open_key_file
from zonetag_backend.keyfile import open_keyring as from_source
from zonetag_backend.store import erasure, registry, secrets, tags
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.keyring import open_keyring

HOUR_MS = 3_600_000
NAME = "Nguyễn Thị Không Còn Ai"


@pytest.fixture
def office(tmp_path: Path, database_url: str) -> Iterator[Office]:
    made = make_office(tmp_path / "office", url=database_url)
    yield made
    made.database.dispose()


def worn(office: Office, number: str = "A-1") -> tuple[int, int]:
    """A tag that somebody wears and that was heard for some time: tag and person."""
    which = office.add_tag(number)
    with writing(office.database) as connection:
        who = registry.add_person(connection, NAME, "Văn thư", f"NV-{number}")
        tags.hand_out(connection, office.keyring, which, who, NOW_MS - HOUR_MS)
    tag = office.tag(which)
    gateway = Gateway("gw1", boot=which)
    take(office.writer(), *[gateway.report(*[tag.window(NOW_MS + 4000 * i) for i in range(n, n + 8)]) for n in (0, 8)])
    return which, who


def everything(office: Office) -> dict[str, list[tuple[object, ...]]]:
    return {name: office.rows(f'SELECT * FROM "{name}"') for name in office.tables()}


@pytest.mark.both_databases
def test_nothing_of_an_erased_person_is_left(office: Office) -> None:
    which, who = worn(office)
    before = everything(office)
    held = {name for name, rows in before.items() if any(who in row or NAME in row for row in rows)}
    assert {"person", "wearing", "data_key"} <= held
    assert before["visit"]
    with writing(office.database) as connection:
        erased = erasure.erase(connection, who)
    assert erased.tags == ("A-1",)
    after = everything(office)
    assert not {name for name, rows in after.items() if any(who in row or NAME in row for row in rows)}
    assert not [name for name in after if name.startswith(("heard_", "visit", "presence")) and after[name]]
    assert office.rows(f"SELECT sealed_key, data_key, state FROM tag WHERE id = {which}") == [(b"", None, "retired")]


def test_others_keep_all_of_theirs(office: Office) -> None:
    _, who = worn(office)
    other, _ = worn(office, "A-2")
    with writing(office.database) as connection:
        erasure.erase(connection, who)
    with reading(office.database) as connection:
        resting = secrets.sealed_keys(connection)
        assert set(resting) == {other}
        assert office.keyring.open(other, resting[other]) == office.tag(other).master
    assert office.number(f"SELECT count(*) FROM visit WHERE tag = {other}") == 1


def test_what_was_recorded_of_the_air_means_nothing_afterwards(office: Office) -> None:
    which, who = worn(office)
    running = office.writer()
    tag = office.tag(which)
    gateway = Gateway("gw2")
    assert take(running, gateway.report(tag.window(NOW_MS + 100_000))).observations == 1  # the control: it is known
    with writing(office.database) as connection:
        erasure.erase(connection, who)
    for writer in (running, office.writer()):  # the one that had opened its key, and a new one
        assert take(writer, gateway.report(tag.window(NOW_MS + 104_000))).observations == 0


def test_a_tag_that_was_taken_back_is_kept_and_tells_nothing_of_whoever_wore_it(office: Office) -> None:
    which, who = worn(office)
    with writing(office.database) as connection:
        tags.take_back(connection, office.keyring, which, NOW_MS + HOUR_MS)
        assert erasure.erase(connection, who).tags == ()
        assert office.keyring.open(which, secrets.sealed_keys(connection)[which]) == office.tag(which).master
    assert office.rows("SELECT * FROM visit") == []


def test_a_key_goes_with_the_wearer(office: Office) -> None:
    which, who = worn(office)
    with writing(office.database) as connection:
        mine = secrets.of_person(connection, office.keyring, who, NOW_MS)
        resting = secrets.sealed_key(connection, which)
        assert resting is not None
        assert resting.under == mine
        tags.lose(connection, office.keyring, which, NOW_MS)
        resting = secrets.sealed_key(connection, which)
        assert resting is not None
        assert resting.under == secrets.of_stock(connection, office.keyring, NOW_MS)


def test_two_tags_of_a_bundle_never_share_a_key(office: Office) -> None:
    which = office.add_tag("A-1")
    with reading(office.database) as connection:
        known = tags.known_keys(connection, office.keyring)
    with pytest.raises(AlreadyThere, match="A-1"):
        tags.check_new_key(known, office.tag(which).master)


def rotate(office: Office, *, stop_before_the_rename: bool = False) -> None:
    path = office.folder / "tag-keys.key"
    make(path.with_name(path.name + NEXT), "file")
    new = open_key_file(path.with_name(path.name + NEXT), may_create=False)
    with writing(office.database) as connection:
        secrets.rotate(connection, office.keyring, new)
    if not stop_before_the_rename:
        path.with_name(path.name + NEXT).replace(path)


@pytest.mark.parametrize("stopped", [False, True], ids=["whole", "stopped before the rename"])
def test_a_rotation_changes_the_key_and_loses_nothing(office: Office, stopped: bool) -> None:
    which, _ = worn(office)
    spare = office.add_tag("A-2")
    old = office.keyring.mark
    rotate(office, stop_before_the_rename=stopped)
    keyring = open_keyring(office.database, office.folder / "tag-keys.key")
    assert keyring.mark != old
    assert sorted(path.name for path in office.folder.glob("tag-keys*")) == ["tag-keys.key"]
    with reading(office.database) as connection:
        for each, resting in secrets.sealed_keys(connection).items():
            assert keyring.open(each, resting) == office.tag(each).master
        assert set(secrets.sealed_keys(connection)) == {which, spare}


def test_a_rotation_to_a_passphrase_stopped_before_the_rename_is_ended_too(office: Office) -> None:
    which, _ = worn(office)
    path = office.folder / "tag-keys.key"
    waiting = path.with_name(path.name + NEXT)
    make(waiting, "passphrase")
    new = from_source(waiting, "passphrase", lambda: "four words of nothing", may_create=False)
    with writing(office.database) as connection:
        secrets.rotate(connection, office.keyring, new)
    with pytest.raises(KeyFileError, match="passphrase"):
        open_keyring(office.database, path)
    with pytest.raises(KeyFileError, match="passphrase"):
        open_keyring(office.database, path, ask=lambda: "another passphrase")
    keyring = open_keyring(office.database, path, ask=lambda: "four words of nothing")
    assert sorted(each.name for each in office.folder.glob("tag-keys*")) == ["tag-keys.key"]
    with reading(office.database) as connection:
        assert keyring.open(which, secrets.sealed_keys(connection)[which]) == office.tag(which).master


def test_a_rotation_that_was_stopped_before_the_commit_changes_nothing(office: Office) -> None:
    worn(office)
    path = office.folder / "tag-keys.key"
    make(path.with_name(path.name + NEXT), "file")
    assert open_keyring(office.database, path).mark == office.keyring.mark


def test_the_old_key_opens_nothing_after_a_rotation(office: Office, tmp_path: Path) -> None:
    worn(office)
    shutil.copy(office.folder / "tag-keys.key", tmp_path / "old.key")
    rotate(office)
    with pytest.raises(KeyFileError):
        open_keyring(office.database, tmp_path / "old.key")


@pytest.mark.both_databases
def test_a_server_at_work_goes_on_after_a_rotation(office: Office) -> None:
    which, _ = worn(office)
    office.keyring = open_keyring(office.database, office.folder / "tag-keys.key")
    running = office.writer()
    gateway = Gateway("gw2")
    take(running, gateway.report(office.tag(which).window(NOW_MS + 100_000)))
    rotate(office)
    with writing(office.database) as connection:  # the server's own keyring makes and opens keys under the new one
        new = tags.add_tag(connection, office.keyring, "A-9", NOW_MS)
        assert tags.known_keys(connection, office.keyring)[new.master] == "A-9"
    assert office.number("SELECT count(DISTINCT mark) FROM data_key") == 1


def test_tags_of_the_first_release_are_put_under_data_keys(office: Office) -> None:
    which, who = worn(office)
    spare = office.add_tag("A-2")
    path = office.folder / "tag-keys.key"
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415  # as release 0.1.0 sealed, here only

    gcm = AESGCM(path.read_bytes())
    with writing(office.database) as connection:
        for each in (which, spare):
            about = b"zonetag v1 tag " + each.to_bytes(8, "big")
            sealed = bytes(12) + gcm.encrypt(bytes(12), office.tag(each).master, about)
            connection.exec_driver_sql("UPDATE tag SET sealed_key = ?, data_key = NULL WHERE id = ?", (sealed, each))
        connection.exec_driver_sql("DELETE FROM data_key")
    keyring = open_keyring(office.database, path)
    with reading(office.database) as connection:
        resting = secrets.sealed_keys(connection)
        assert {each: keyring.open(each, key) for each, key in resting.items()} == {
            which: office.tag(which).master,
            spare: office.tag(spare).master,
        }
    assert office.rows(f"SELECT person FROM data_key WHERE id = {resting[which].under.id}") == [(who,)]
    assert resting[spare].under.id == 0


def test_one_killed_while_it_rotates_is_ended_by_the_next(office: Office) -> None:
    """Killed at any of the command's system calls that matter: before, between and after."""
    worn(office)
    path = office.folder / "tag-keys.key"
    code = (
        "import os, signal, sys\n"
        "from zonetag_backend import keyfile\n"
        "from zonetag_backend.cli import main\n"
        "calls = 0\n"
        "real = os.fsync\n"
        "def dying(descriptor):\n"
        "    global calls\n"
        "    calls += 1\n"
        "    if calls > int(sys.argv[1]): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(descriptor)\n"
        "os.fsync = dying\n"
        "sys.exit(main(['key', 'rotate', '--data', sys.argv[2]]))\n"
    )
    deaths = 0
    for calls in range(4):
        run = subprocess.run(
            [sys.executable, "-c", code, str(calls), str(office.folder)],
            capture_output=True,
            check=False,
        )
        deaths += run.returncode == -signal.SIGKILL
        keyring = open_keyring(office.database, path)
        with reading(office.database) as connection:
            for each, resting in secrets.sealed_keys(connection).items():
                assert keyring.open(each, resting) == office.tag(each).master
    assert deaths >= 2
