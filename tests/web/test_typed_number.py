"""Numbers of tags as people type them."""

import pytest
from rig.office import Office
from sqlalchemy import update

from zonetag_backend.store import declarations, mine_codes, tag_list, typed_number
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema import tag


@pytest.fixture
def worn(office: Office) -> tuple[int, int]:
    """Somebody, and their tag A-001; a tag b-1 and a tag B1 beside it."""
    found = office.person("Lê An"), office.person("Võ Bê"), office.person("Hồ Cúc")
    with writing(office.engine) as connection:
        for number, (_, which) in zip(("A-001", "b-1", "B1"), found, strict=True):
            connection.execute(update(tag).where(tag.c.id == which).values(number=number))
    return found[0]


@pytest.mark.parametrize("typed", ["A-001", " a-001 ", "a001", "A 001", "a.001"])
def test_a_number_is_found_as_it_is_typed(office: Office, worn: tuple[int, int], typed: str) -> None:
    who, which = worn
    with reading(office.engine) as connection:
        assert tag_list.numbered(connection, typed).id == which
        assert declarations.wearer(connection, typed, office.now) == who
        assert mine_codes.wearer(connection, typed) == who


@pytest.mark.parametrize("typed", ["", " ", "-", "A-0010", "1", "%", "b 1"])
def test_nothing_else_is(office: Office, worn: tuple[int, int], typed: str) -> None:
    with reading(office.engine) as connection:
        assert typed_number.find(connection, typed) is None, "it is nobody's, or could be two"
        assert typed_number.find(connection, "b-1") != typed_number.find(connection, "B1")
