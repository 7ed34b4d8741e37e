"""Who wears what, when."""

from pathlib import Path

import pytest
from rig.registry import HOUR_MS, Office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend.errors import AlreadyThere, BadValue, KeyFileError
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.store import registry, tags
from zonetag_backend.store.engine import writing
from zonetag_backend.store.keyring import open_keyring


def test_a_tag_changes_hands_in_mid_day(office: Office) -> None:
    which = office.add_tag("A-1")
    tag, writer, gateway = office.tag(which), office.writer(), Gateway("gw1")
    with writing(office.database) as connection:
        an = registry.add_person(connection, "An", code="1", now_ms=0)
        binh = registry.add_person(connection, "Bình", code="2", now_ms=0)
        tags.hand_out(connection, office.keyring, which, an, NOW_MS - HOUR_MS)
    for minute in range(0, 60, 10):
        take(writer, gateway.report(tag.window(NOW_MS + minute * 60_000)))
        if minute == 30:
            with writing(office.database) as connection:
                tags.hand_out(connection, office.keyring, which, binh, NOW_MS + 30 * 60_000)
    assert office.rows("SELECT person, since_ms, until_ms FROM wearing ORDER BY since_ms") == [
        (an, NOW_MS - HOUR_MS, NOW_MS + 30 * 60_000),
        (binh, NOW_MS + 30 * 60_000, None),
    ]
    assert office.number("SELECT count(*) FROM visit") == 1  # a visit is the tag's; who wore it when is the log's


def test_handing_out_twice_at_once_keeps_one_wearer(office: Office) -> None:
    which = office.add_tag("A-1")
    with writing(office.database) as connection:
        people = [registry.add_person(connection, f"P{n}") for n in range(3)]
        for who in people:
            tags.hand_out(connection, office.keyring, which, who, NOW_MS)
        tags.hand_out(connection, office.keyring, which, people[0], NOW_MS - 5)  # the clock was set back
    rows = office.rows("SELECT since_ms, until_ms FROM wearing ORDER BY since_ms")
    assert [until for _, until in rows].count(None) == 1
    assert all(isinstance(u, int) and isinstance(s, int) and s <= u for s, u in rows[:-1])


def test_every_change_that_ingest_must_see_is_counted(office: Office) -> None:
    def revision() -> int:
        return office.number("SELECT revision FROM registry_revision")

    before = revision()
    which = office.add_tag("A-1")
    assert revision() == before + 1
    with writing(office.database) as connection:
        tags.lose(connection, office.keyring, which, NOW_MS)
        registry.add_site(connection, "third")
        registry.add_place(connection, "third", "Door")
        registry.add_gateway(connection, "gw5", "third", "Door", NOW_MS)
    assert revision() == before + 5


def test_a_badge_takes_an_identity_key_and_nothing_else(office: Office) -> None:
    with writing(office.database) as connection:
        new = tags.add_tag(connection, office.keyring, "B-1", NOW_MS, kind="eddystone-eid", master=bytes(16), t0=5)
        assert new.master == bytes(16)
    assert "master" not in repr(new)
    for wrong in ({"kind": "other"}, {"master": bytes(15)}, {"t0": 1 << 32}):
        with writing(office.database) as connection, pytest.raises(BadValue):
            tags.add_tag(connection, office.keyring, "B-2", NOW_MS, **wrong)
    with writing(office.database) as connection, pytest.raises(AlreadyThere):
        tags.add_tag(connection, office.keyring, "B-1", NOW_MS)


def test_no_tag_is_sealed_under_a_second_key_file(office: Office, tmp_path: Path) -> None:
    """One such tag, and no key file opens all of them."""
    own = tmp_path / "its.key"
    office.add_tag("A-1")
    with pytest.raises(KeyFileError):
        open_keyring(office.database, own)
    assert not own.exists()
    open_key_file(own)  # a right one, of another database
    with pytest.raises(KeyFileError):
        open_keyring(office.database, own)
