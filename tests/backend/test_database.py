"""The database: its migrations, its files, and that two programs may use it together."""

import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from zonetag_backend.errors import DatabaseError
from zonetag_backend.store import heard
from zonetag_backend.store.engine import _alembic, connect, migrate, open_database, reading, refusals, writing
from zonetag_backend.store.schema import metadata


@pytest.fixture
def url(tmp_path: Path, database_url: str) -> str:
    """Of a new database."""
    return database_url or url_in(tmp_path)


def url_in(folder: Path) -> str:
    return f"sqlite:///{folder}/zonetag.db"


@pytest.mark.both_databases(empty=True)
def test_a_fresh_database_is_as_the_tables_say(url: str) -> None:
    database = open_database(url)
    with reading(database) as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
    database.dispose()


@pytest.mark.both_databases(empty=True)
def test_a_difference_would_be_seen(url: str) -> None:
    database = open_database(url)
    with writing(database) as connection:
        connection.exec_driver_sql("ALTER TABLE person ADD COLUMN shoe_size INTEGER")
    with reading(database) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata)
    database.dispose()


@pytest.mark.both_databases(empty=True)
def test_migrating_again_changes_nothing_and_keeps_tables_of_days(url: str) -> None:
    database = open_database(url)
    with writing(database) as connection:
        heard.make(connection, "20260921")
        heard.make(connection, "20260921")
    migrate(database)
    assert "heard_20260921" in inspect(database).get_table_names()
    database.dispose()


@pytest.mark.both_databases(empty=True)
def test_down_to_nothing_and_up_again(url: str) -> None:
    database = open_database(url)
    with writing(database) as connection:
        command.downgrade(_alembic(connection), "base")
    assert set(inspect(database).get_table_names()) == {"alembic_version"}
    migrate(database)
    with reading(database) as connection:
        assert connection.exec_driver_sql("SELECT * FROM registry_revision").all() == [(1, 0)]
    database.dispose()


@pytest.mark.both_databases(empty=True)
def test_programs_that_start_together_migrate_once(url: str) -> None:
    faults: list[BaseException] = []
    together = threading.Barrier(4)

    def start() -> None:
        try:
            together.wait()
            open_database(url).dispose()
        except BaseException as error:  # noqa: BLE001  # the main thread tells it
            faults.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []


@pytest.mark.both_databases(empty=True)
def test_a_newer_database_is_left_alone(url: str) -> None:
    database = open_database(url)
    with writing(database) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.dispose()
    with pytest.raises(DatabaseError, match="newer"):
        open_database(url)


def test_names_are_its_owners_alone(tmp_path: Path) -> None:
    database = open_database(url_in(tmp_path / "data"))
    with writing(database) as connection:
        connection.exec_driver_sql("UPDATE registry_revision SET revision = 1")
        files = list((tmp_path / "data").iterdir())
        assert {f.stat().st_mode & 0o777 for f in files} == {0o600}, files
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    database.dispose()


def test_committed_means_on_the_disk(tmp_path: Path) -> None:
    database = open_database(url_in(tmp_path))
    with reading(database) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    database.dispose()


@pytest.mark.parametrize("url", ["", "nonsense", "postgres://x/y", "unknowndb://x/y", "sqlite:////proc/none/z.db"])
def test_a_database_that_cannot_be_opened_says_so(url: str) -> None:
    with pytest.raises(DatabaseError):
        open_database(url)


def test_a_file_that_is_no_database_says_so(tmp_path: Path) -> None:
    (tmp_path / "zonetag.db").write_bytes(b"not a database" * 1000)
    with pytest.raises(DatabaseError):
        open_database(url_in(tmp_path))


@pytest.mark.both_databases(empty=True)
def test_a_failed_transaction_leaves_nothing(url: str) -> None:
    database = open_database(url)

    def fail() -> None:
        with writing(database) as connection:
            connection.exec_driver_sql("UPDATE registry_revision SET revision = 5")
            heard.make(connection, "20260921")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with reading(database) as connection:
        assert connection.exec_driver_sql("SELECT revision FROM registry_revision").scalar() == 0
    assert "heard_20260921" not in inspect(database).get_table_names()
    database.dispose()
    connect(url).dispose()


def test_what_the_database_refuses_is_said_without_what_was_to_be_written(tmp_path: Path) -> None:
    database = open_database(url_in(tmp_path))
    with database.connect() as connection:
        connection.exec_driver_sql("PRAGMA query_only=1")
        with pytest.raises(DatabaseError) as refused, refusals(database):
            connection.exec_driver_sql("INSERT INTO person VALUES (1, 'Nobody', '', NULL, 0)")
    assert "Nobody" not in str(refused.value)
    database.dispose()
