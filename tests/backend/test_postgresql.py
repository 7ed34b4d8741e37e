"""PostgreSQL's own: it is killed in mid-load, its writers wait for each other, its files forget, it is backed up.

Everything else runs on both databases: tests with the mark `both_databases`.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.postgresql import PostgreSQL, programs
from rig.registry import HOUR_MS, Office, make_office, take
from rig.reports import NOW_MS, Gateway
from sqlalchemy import Connection, delete, event, func, insert, select

from zonetag_backend.cli import main
from zonetag_backend.errors import DatabaseError, StoreUnavailable
from zonetag_backend.store import audit, audit_log, meetings, postgresql, registry, retention, schema
from zonetag_backend.store.engine import connect, open_database, reading, writing
from zonetag_backend.store.erasure import erase
from zonetag_protocol.report import Report

GATEWAYS, REPORTS, WINDOWS = 4, 60, 5
NAME = "Trần Thị Geheimnis"
HOURS = 4


@pytest.fixture
def url(postgresql: PostgreSQL, tmp_path: Path) -> Iterator[str]:
    """A database with all tables."""
    name = f"own_{abs(hash(tmp_path)):x}"
    yield postgresql.make(name, "ready")
    postgresql.drop(name)


@pytest.fixture
def office(url: str, tmp_path: Path) -> Iterator[Office]:
    made = make_office(tmp_path / "office", url=url)
    yield made
    made.database.dispose()


@pytest.fixture
def own_server(require_server: Path) -> Iterator[PostgreSQL]:
    """One that may be killed."""
    server = PostgreSQL(require_server)
    server.start()
    yield server
    server.close()


@pytest.fixture
def require_server(postgresql: PostgreSQL) -> Path:
    """Skips as the other one does."""
    found = programs()
    assert found is not None
    return found


def load(office: Office) -> list[Report]:
    tag = office.tag(office.add_tag("A-1"))
    gateways = [Gateway(f"gw{n + 1}") for n in range(GATEWAYS - 1)]
    return [
        gateways[n % len(gateways)].report(
            *[tag.window(NOW_MS + n * 20_000 + i * 4000) for i in range(WINDOWS)], base_ms=NOW_MS + n * 20_000
        )
        for n in range(REPORTS)
    ]


@pytest.mark.parametrize("keeps", [True, False], ids=["a gateway that waits for acknowledgements", "control"])
def test_killed_in_mid_load_loses_and_doubles_nothing(own_server: PostgreSQL, tmp_path: Path, keeps: bool) -> None:
    """kill -9 of the server at every tenth report, now before a commit, now after one that nobody heard of.

    The control forgets what it has sent, as one would that takes a PUBACK for an acknowledgement: it must lose some.
    """
    office = make_office(tmp_path / "office", url=own_server.make("load"))
    reports = load(office)
    kills = iter(range(5, REPORTS, 10))
    die_at = next(kills)
    tries = 0

    def killed(connection: Connection) -> None:
        nonlocal die_at
        if tries >= die_at:
            if die_at % 20 == 5:
                connection.connection.commit()  # nobody will hear of it
            die_at = next(kills, 1 << 30)
            own_server.kill()

    event.listen(office.database, "commit", killed)
    writer, failed = office.writer(), 0
    for at in range(0, REPORTS, 2):
        while True:
            tries += 1
            try:
                take(writer, *reports[at : at + 2], now_ms=NOW_MS + HOURS * HOUR_MS)
                break
            except StoreUnavailable:
                failed += 1
                own_server.start()
                if not keeps:
                    break
    assert failed >= 3
    take(writer, *reports[:2], now_ms=NOW_MS + HOURS * HOUR_MS)
    whole = [(each.gateway, each.seq) for each in reports]
    rows = office.rows("SELECT gateway, seq FROM report")
    windows = office.rows("SELECT start_ms FROM heard_20260921")
    assert (sorted(rows) == sorted(whole)) is keeps
    assert len(set(windows)) == len(windows)
    assert (len(windows) == REPORTS * WINDOWS) is keeps
    office.database.dispose()


def test_a_writer_waits_for_the_one_before(office: Office) -> None:
    """What it reads then is what that one wrote; the control takes no lock and reads what is old."""
    seen: list[int] = []

    def second() -> None:
        with writing(office.database) as connection:
            seen.append(int(connection.scalar(select(schema.registry_revision.c.revision)) or 0))

    with writing(office.database) as connection:
        thread = threading.Thread(target=second)
        thread.start()
        with office.database.connect() as other:
            while not other.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar():
                other.rollback()
            old = other.scalar(select(schema.registry_revision.c.revision))
        connection.exec_driver_sql("UPDATE registry_revision SET revision = 4711")
    thread.join()
    assert seen == [4711]
    assert old != 4711


def test_reading_changes_nothing_and_sees_one_moment(office: Office) -> None:
    with reading(office.database) as connection:
        before = connection.scalar(select(func.count()).select_from(schema.tag))
        office.add_tag("A-7")
        assert connection.scalar(select(func.count()).select_from(schema.tag)) == before
        with pytest.raises(Exception, match="read-only"):
            connection.execute(delete(schema.tag))


def test_what_is_erased_is_in_no_file_of_its_tables(postgresql: PostgreSQL, office: Office) -> None:
    def hold() -> bool:
        return any(NAME.encode() in path.read_bytes() for path in postgresql.files(office.url))

    with writing(office.database) as connection:
        who = registry.add_person(connection, NAME, "", None)
    assert hold()
    with writing(office.database) as connection:
        erase(connection, who)
    assert hold()  # the control: deleted, and still there
    retention.empty_log(office.database)
    assert not hold()


def test_any_text_is_taken_and_sums_are_whole(office: Office) -> None:
    with writing(office.database) as connection:
        audit.record(connection, 1, "cli:x", "person.read", "a")
        connection.execute(insert(schema.site).values(name="n", title="no\x00thing", timezone="UTC", absence_s=1))
        assert connection.scalar(select(schema.site.c.title).where(schema.site.c.name == "n")) == "no\ufffdthing"
        assert connection.scalar(select(schema.person.c.id).where(schema.person.c.name == "x\x00")) is None
        total = connection.scalar(select(func.sum(schema.audit.audit.c.at_ms)))
    assert type(total) is int


def test_questions_of_tracing_use_their_indexes(office: Office) -> None:
    """With as many rows as make it worth while, no table of them is read whole."""
    day = 86_400_000
    with writing(office.database) as connection:
        connection.exec_driver_sql(
            "INSERT INTO tag (id, number, kind, sealed_key, state, added_ms)"
            " SELECT n, 'T' || n, 'zonetag', '', 'active', 0 FROM generate_series(1, 500) n"
        )
        place = connection.scalar(select(schema.place.c.id).limit(1))
        connection.exec_driver_sql(
            "INSERT INTO presence (place, start_ms, tag, end_ms)"
            f" SELECT {place}, {NOW_MS} + h * 3600000::bigint + n, n, {NOW_MS} + h * 3600000::bigint + 1800000"
            " FROM generate_series(1, 500) n, generate_series(1, 100) h"
        )
        connection.exec_driver_sql("ANALYZE")
        text = meetings._text_of_arrays(meetings._SHARED, 4)
        asked = tuple(postgresql.array([each]) for each in (1, 1, NOW_MS, NOW_MS + day))
        plan = connection.exec_driver_sql(f"EXPLAIN {text}", asked).scalars().all()
    assert not [line for line in plan if "Seq Scan" in line], plan


def test_a_server_that_may_forget_is_refused(own_server: PostgreSQL) -> None:
    own_server.stop()
    own_server.start("-c", "fsync=off")
    with pytest.raises(DatabaseError, match="fsync"):
        open_database(own_server.url("postgres"))


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="pg_isready"):
        open_database(f"postgresql://nobody@/none?host={tmp_path}")


def test_a_database_that_is_not_there_is_told(postgresql: PostgreSQL) -> None:
    with pytest.raises(DatabaseError, match=r'"none" does not exist\. .*createdb'):
        open_database(postgresql.url("none"))


def test_there_and_back_in_a_backup(
    postgresql: PostgreSQL, office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sealed as any backup; put back into a new database, or into a file."""
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        registry.add_person(connection, NAME, "", "NV1")
        audit.record(connection, 1, "cli:x", "person.read", "a")
    take(office.writer(), Gateway("gw1").report(office.tag(which).window(NOW_MS)))
    settings = tmp_path / "server.toml"
    settings.write_text(f'data = "{office.folder}"\ndatabase = "{office.url}"\nretention.days = 21\n')
    of = ["--config", str(settings)]
    words = tmp_path / "words"
    words.write_text("correct horse battery staple\n")
    words.chmod(0o600)
    private = str(tmp_path / "private.pem")
    assert main(["backup", "--new-key", private, "--passphrase-file", str(words), *of]) == 0
    assert main(["backup", str(tmp_path / "backups"), *of]) == 0
    [made] = (tmp_path / "backups").iterdir()
    fresh = postgresql.make("restored")
    back = tmp_path / "back.toml"
    back.write_text(f'database = "{fresh}"\n')
    restore = ["restore", str(made), "--key", private, "--passphrase-file", str(words)]
    for name, extra in (("server", ["--config", str(back)]), ("file", [])):
        assert main([*restore, "--data", str(tmp_path / name), *extra]) == 0, capsys.readouterr().err
        target = fresh if name == "server" else f"sqlite:///{tmp_path / name / 'zonetag.db'}"
        assert (tmp_path / name / "zonetag.db").exists() is (name == "file")
        database = connect(target)
        with reading(database) as connection:
            assert connection.scalar(select(schema.person.c.name)) == NAME
            assert connection.scalar(select(func.count()).select_from(schema.tag)) == 1
            assert audit_log.verify(connection, lambda _signature, _text: True) == []
        database.dispose()
    assert main([*restore, "--data", str(tmp_path / "again"), "--config", str(back)]) == 1
    assert "not empty" in capsys.readouterr().err
    postgresql.drop("restored")
