"""Several ways from a case to one person: each says how sure it is itself, and the word is that of the number."""

from typing import Any

import pytest
from rig.office import Office, at
from sqlalchemy import insert

from zonetag_backend.store import cases, rows
from zonetag_backend.store.case_story import Contact, Touch, contacts
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema.cases import case_exposure, case_record
from zonetag_backend.tracing.outcome import Who
from zonetag_backend.web.casegraph import graph_of
from zonetag_backend.web.caseview import by_person, percent, sure

CASE, SURE, UNSURE, REACHED, OTHER = (Who(n, name, "", "") for n, name in enumerate("CABRO", 1))


def touched(who: Who, through: Who, generation: int, probability: float, chain: float) -> Contact:
    day = Touch(0, "direct", 0, 1, 20.0, 10.0, 30.0, probability, ())
    return Contact(who, through, generation, probability, chain, (day,))


WAYS = [
    touched(SURE, CASE, 1, 0.9, 0.9),
    touched(UNSURE, CASE, 1, 0.3, 0.3),
    touched(REACHED, UNSURE, 2, 0.99, 0.297),  # a sure meeting with somebody who may well have nothing
    touched(REACHED, SURE, 2, 0.7, 0.63),
    touched(OTHER, SURE, 2, 0.5, 0.45),
]


def test_people_stand_in_the_order_of_their_best_way_which_comes_first() -> None:
    listed = [(each.who.name, each.through.name) for each in by_person(WAYS)]
    assert listed == [("A", "C"), ("B", "C"), ("R", "A"), ("R", "B"), ("O", "A")]


def test_the_picture_says_how_sure_the_whole_way_is() -> None:
    graph: Any = graph_of(CASE, WAYS)
    assert {box.who.name: box.probability for box in graph.boxes if box.generation} == {
        "A": 0.9,
        "B": 0.3,
        "R": 0.63,
        "O": 0.45,
    }
    assert [edge.best for edge in graph.edges].count(False) == 1, "the way through B"


def test_one_number_has_one_word() -> None:
    for below, above in ((0.496, 0.504), (0.796, 0.804), (0.196, 0.204)):
        assert percent(below) == percent(above)
        assert sure(below) == sure(above)
    assert sure(0.494) != sure(0.496)


def test_each_way_says_how_sure_it_is_itself(office: Office) -> None:
    """The way through somebody who is hardly a contact does not borrow the other's certainty."""
    ill, sure_one, unsure, reached = (office.person(name)[0] for name in ("An", "Bình", "Chi", "Dung"))
    with writing(office.engine) as connection:
        values = {"profile": "covid-19", "onset_ms": at("00:00", 18), "basis": "onset", "opened_ms": office.now}
        connection.execute(
            insert(case_record).values(id=7, person=ill, opened_by="account:health", reason="x", **values)
        )
        for through, who, generation, probability in (
            (ill, sure_one, 1, 0.9),
            (ill, unsure, 1, 0.3),
            (sure_one, reached, 2, 0.5),
            (unsure, reached, 2, 0.99),
        ):
            hours = (at("00:00", 19), "direct", generation, at("09:00", 19), at("09:40", 19))
            row = (7, through, who, *hours, 21.0, 15.0, 30.0, probability, office.now)
            rows.insert(connection, case_exposure, [row])
    with reading(office.engine) as connection:
        found = contacts(connection, cases.case_of(connection, 7), 0)
    chains = {(each.through.name, each.who.name): each.chain for each in found}
    assert chains == {
        ("An", "Bình"): pytest.approx(0.9),
        ("An", "Chi"): pytest.approx(0.3),
        ("Bình", "Dung"): pytest.approx(0.45),
        ("Chi", "Dung"): pytest.approx(0.297),
    }
