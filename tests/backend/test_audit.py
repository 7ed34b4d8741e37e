"""The audit log: whatever is done to it afterwards is found and named."""

import contextlib
import hashlib
import json
import random
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, delete, select, update

from zonetag_backend import audit_chain, audit_files, audit_keeper
from zonetag_backend.audit_chain import BAD_CHECKPOINT, CHANGED, DELETED, REORDERED, START, TRUNCATED, Entry, hash_of
from zonetag_backend.cli import main
from zonetag_backend.errors import AuditError
from zonetag_backend.store import audit as store
from zonetag_backend.store import audit_log
from zonetag_backend.store.engine import open_database, reading, writing
from zonetag_backend.store.schema.audit import audit, audit_checkpoint, audit_head

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
FITS = audit_keeper.fits_of(KEY.public_key())
DAY_MS = 86_400_000
COUNT = 40


@pytest.fixture
def database(tmp_path: Path, database_url: str) -> Iterator[Engine]:
    engine = open_database(database_url or f"sqlite:///{tmp_path / 'zonetag.db'}")
    yield engine
    engine.dispose()


def fill(database: Engine, count: int = COUNT, at_ms: int = 0) -> None:
    with writing(database) as connection:
        for number in range(count):
            store.record(connection, at_ms + number, "account:hà", "person.read", number, "ca bệnh 1")


def found(database: Engine, exported: list[audit_chain.Checkpoint] | None = None) -> list[tuple[str, int, int]]:
    with reading(database) as connection:
        findings = audit_log.verify(connection, FITS, exported or [])
    return [(each.code, each.first, each.last) for each in findings]


def checkpoint(database: Engine, at_ms: int = 1) -> list[audit_chain.Checkpoint]:
    with writing(database) as connection:
        audit_log.checkpoint(connection, KEY.sign, at_ms)
    with reading(database) as connection:
        return audit_log.checkpoints(connection)


def test_a_log_that_nobody_touched_is_whole(database: Engine) -> None:
    assert found(database) == []
    fill(database)
    exported = checkpoint(database)
    fill(database, 3, -5000)  # the clock went back: no fault of the log's
    assert found(database, exported) == []


def test_the_hash_is_as_written_down() -> None:
    """Recomputed by hand from the table at the head of audit_chain.py."""
    entry = audit_chain.linked((0, START), 1_700_000_000_000, ("account:hà", "login", "hà", ""))
    raw = (
        b"zonetag audit 1\x00" + (1).to_bytes(8, "big") + bytes(32) + (1_700_000_000_000).to_bytes(8, "big")
        + (11).to_bytes(8, "big") + "account:hà".encode() + (5).to_bytes(8, "big") + b"login"
        + (3).to_bytes(8, "big") + "hà".encode() + (0).to_bytes(8, "big")
    )  # fmt: skip

    assert entry.hash == hashlib.sha256(raw).digest()


@pytest.mark.parametrize("column", ["at_ms", "actor", "action", "about", "reason", "previous", "hash"])
def test_any_change_of_any_field_is_found(database: Engine, column: str) -> None:
    fill(database)
    values = {"at_ms": 7, "actor": "account:x", "action": "login", "about": "x", "reason": "", "hash": bytes(32)}
    with writing(database) as connection:
        change = {column: values.get(column, bytes(32))}
        connection.execute(update(audit).where(audit.c.seq == 9).values(**change))
    codes = found(database)
    assert (CHANGED, 9, 9) in codes
    assert {code for code, _, _ in codes} == {CHANGED}


def rewrite(connection: Connection, first: int, change: Callable[[Entry], Entry]) -> None:
    """As somebody would who owns the database: change an entry and hash everything after it anew."""
    entries = [Entry(*row) for row in connection.execute(select(*audit_log._COLUMNS).order_by(audit.c.seq))]
    previous = next((each.hash for each in entries if each.seq == first - 1), START)
    for each in entries:
        if each.seq >= first:
            changed = change(each) if each.seq == first else each
            made = audit_chain.linked(
                (each.seq - 1, previous), changed.at_ms, (changed.actor, changed.action, changed.about, changed.reason)
            )
            connection.execute(
                update(audit).where(audit.c.seq == each.seq).values(previous=previous, hash=made.hash, actor=made.actor)
            )
            previous = made.hash
    connection.execute(update(audit_head).values(hash=previous))


def test_a_log_hashed_anew_does_not_fit_its_checkpoints(database: Engine) -> None:
    fill(database, 10)
    checkpoint(database, 1)
    fill(database, 10)
    exported = checkpoint(database, 2)
    fill(database, 10)

    with writing(database) as connection:
        rewrite(connection, 15, lambda each: replace(each, actor="account:somebody-else"))
    assert found(database) == [(CHANGED, 11, 20)]
    with writing(database) as connection:
        connection.execute(delete(audit_checkpoint))
    assert found(database) == [], "the control: without checkpoints nothing shows"
    assert found(database, exported) == [(CHANGED, 11, 20)]


def test_an_entry_hashed_anew_alone_is_found_too(database: Engine) -> None:
    fill(database)
    with writing(database) as connection:
        row = Entry(*connection.execute(select(*audit_log._COLUMNS).where(audit.c.seq == 9)).one())

        forged = replace(row, about="nobody")
        connection.execute(update(audit).where(audit.c.seq == 9).values(about="nobody", hash=hash_of(forged)))
    assert found(database) == [(CHANGED, 9, 9)]


def test_deletion_is_found_wherever(database: Engine) -> None:
    fill(database)
    with writing(database) as connection:
        connection.execute(delete(audit).where(audit.c.seq.in_([5, 6, 30])))
    assert found(database) == [(DELETED, 5, 6), (DELETED, 30, 30)]
    with writing(database) as connection:
        connection.execute(delete(audit).where(audit.c.seq <= 8))
    assert found(database)[0] == (DELETED, 1, 8)


def test_exchanged_entries_are_named_so(database: Engine) -> None:
    fill(database)
    with writing(database) as connection:
        for old, new in ((9, 1000), (10, 9), (1000, 10)):
            connection.execute(update(audit).where(audit.c.seq == old).values(seq=new))
    assert found(database) == [(REORDERED, 9, 9), (REORDERED, 10, 10)]


def test_a_cut_end_is_found(database: Engine) -> None:
    fill(database)
    exported = checkpoint(database)
    with writing(database) as connection:
        connection.execute(delete(audit).where(audit.c.seq > 30))
    assert found(database) == [(TRUNCATED, 31, 40)]
    with writing(database) as connection:  # and the head put back as it was then, and the checkpoints gone
        last = connection.scalar(select(audit.c.hash).where(audit.c.seq == 30))
        connection.execute(update(audit_head).values(seq=30, hash=last))
        connection.execute(delete(audit_checkpoint))
    assert found(database) == [], "the control: what is kept here alone cannot show it"
    assert found(database, exported) == [(TRUNCATED, 31, 40)]
    with writing(database) as connection:
        connection.execute(delete(audit))
        connection.execute(update(audit_head).values(seq=0, hash=START))
    assert found(database, exported) == [(TRUNCATED, 1, 40)]


def test_a_checkpoint_by_another_key_is_named(database: Engine) -> None:
    fill(database, 5)
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with writing(database) as connection:
        audit_log.checkpoint(connection, other.sign, 1)
    assert found(database) == [(BAD_CHECKPOINT, 5, 5)]


def test_any_single_flipped_bit_is_found(database: Engine) -> None:
    fill(database, 12)
    exported = checkpoint(database)
    seed = random.randrange(1 << 32)
    print("seed", seed)
    rng = random.Random(seed)
    with reading(database) as connection:
        entries, head = list(audit_log.entries(connection)), audit_log.head(connection)
    assert audit_chain.faults(entries, head, exported) == []

    for _ in range(200):
        where = rng.randrange(len(entries))
        name = rng.choice(["at_ms", "previous", "hash", "about", "seq"])
        value = getattr(entries[where], name)
        if isinstance(value, bytes):
            spot = rng.randrange(32)
            new: Any = value[:spot] + bytes([value[spot] ^ 1 << rng.randrange(8)]) + value[spot + 1 :]
        else:
            new = value ^ 1 << rng.randrange(20) if isinstance(value, int) else value + "x"
        changed = sorted(
            [*entries[:where], replace(entries[where], **{name: new}), *entries[where + 1 :]], key=lambda e: e.seq
        )
        assert audit_chain.faults(changed, head, exported), (where, name)


@pytest.mark.both_databases
def test_expiry_keeps_the_rest_verifiable_and_a_cut_by_hand_does_not_pass_for_it(database: Engine) -> None:
    fill(database, 10, 0)
    checkpoint(database, 100)
    fill(database, 10, 5 * DAY_MS)
    checkpoint(database, 5 * DAY_MS + 100)
    fill(database, 10, 10 * DAY_MS)
    with writing(database) as connection:
        gone = audit_log.expire(connection, KEY.sign, 7 * DAY_MS, 11 * DAY_MS)
    assert gone == 20
    assert found(database) == []
    with reading(database) as connection:
        kept = [entry.seq for entry in audit_log.entries(connection)]
    assert kept == list(range(21, 32))
    with writing(database) as connection:
        assert audit_log.expire(connection, KEY.sign, 7 * DAY_MS, 11 * DAY_MS) == 0
    fill(database, 5, 12 * DAY_MS)
    checkpoint(database, 12 * DAY_MS)
    with writing(database) as connection:  # the control: the same cut, without the entry that says so
        connection.execute(delete(audit).where(audit.c.seq <= 31))
    assert found(database)[0] == (DELETED, 1, 31)


@pytest.mark.both_databases
def test_writers_follow_each_other(database: Engine) -> None:
    def write() -> None:
        for number in range(25):
            with writing(database) as connection:
                store.record(connection, number, "cli:x", "login", "x")

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found(database) == []
    with reading(database) as connection:
        assert audit_log.head(connection)[0] == 100


def test_an_act_that_is_undone_leaves_no_entry(database: Engine) -> None:
    with contextlib.suppress(ZeroDivisionError), writing(database) as connection:
        store.record(connection, 1, "cli:x", "login", "x")
        raise ZeroDivisionError
    with reading(database) as connection:
        assert audit_log.head(connection) == (0, START)


@pytest.mark.both_databases
def test_unknown_actions_are_refused_and_any_text_is_kept_safely(database: Engine) -> None:
    with writing(database) as connection:
        with pytest.raises(ValueError, match="ACTIONS"):
            store.record(connection, 1, "cli:x", "person.reed", "x")
        store.record(connection, 1, "cli:\ud800", "login", "\x00" * 300, "ờ" * 5000)
    assert found(database) == []


def test_checkpoints_go_off_the_host_and_are_never_written_over(database: Engine, tmp_path: Path) -> None:
    folder = tmp_path / "share"
    fill(database, 5)
    with pytest.raises(AuditError, match="mounted"):
        audit_keeper.keep(database, KEY, folder, 730, 1)
    folder.mkdir()
    fill(database, 5)
    audit_keeper.keep(database, KEY, folder, 730, 2)
    assert [each.seq for each in audit_files.read(folder)] == [5, 10], "what could not be written is made up for"
    before = {path: path.read_bytes() for path in folder.iterdir()}
    audit_keeper.keep(database, KEY, folder, 730, 3)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert found(database, audit_files.read(folder)) == []
    next(iter(before)).chmod(0o644)
    next(iter(before)).write_text("{}")
    with pytest.raises(AuditError, match="no checkpoint"):
        audit_files.read(folder)


def test_the_command_finds_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "data")]
    assert main(["account", "add", "An", "--role", "auditor", *data]) == 0
    assert main(["audit", "verify", *data]) == 0
    assert "whole" in capsys.readouterr().out
    assert main(["audit", "key", *data]) == 0
    (tmp_path / "key").write_text(capsys.readouterr().out)
    engine = open_database(f"sqlite:///{tmp_path / 'data' / 'zonetag.db'}")
    with writing(engine) as connection:
        connection.execute(update(audit).where(audit.c.seq == 1).values(about="Bình"))
    assert main(["audit", "verify", "--json", "--key", str(tmp_path / "key"), *data]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] == [{"finding": "changed", "first": 1, "last": 1}]
    assert main(["audit", "verify", "--checkpoints", str(tmp_path), *data]) == 1
    assert "holds no checkpoint" in capsys.readouterr().err
    assert main(["audit", "list", "--action", "account.add", *data]) == 0
    assert "Bình" in capsys.readouterr().out
    assert main(["audit", "export", "--json", *data]) == 0
    exported = json.loads(capsys.readouterr().out)
    assert [each["action"] for each in exported][:2] == ["account.add", "account.link"]
    engine.dispose()


def test_every_act_on_the_registry_is_in_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(tmp_path / "data")]
    for words in (
        ["site", "add", "hq"],
        ["place", "add", "hq", "Door", "--kind", "entrance"],
        ["gateway", "add", "gw1", "--site", "hq", "--place", "Door"],
        ["door", "side", "gw1", "inside"],
        ["person", "add", "An", "--code", "NV1"],
        ["person", "list"],
        ["tag", "add", "A-1"],
        ["tag", "give", "A-1", "NV1"],
        ["tag", "take", "A-1"],
    ):
        assert main([*words, *data]) == 0
    capsys.readouterr()
    assert main(["audit", "export", "--json", *data]) == 0
    exported = json.loads(capsys.readouterr().out)
    wanted = ["site.add", "place.add", "gateway.add", "gateway.side", "person.add", "people.read", "tag.add"]
    wanted += ["tag.give", "agreement.missing", "tag.state"]
    assert [each["action"] for each in exported][:-1] == wanted
    assert all(each["actor"].startswith("cli:") for each in exported)
