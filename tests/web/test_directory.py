"""Lists that the database searches, sorts and cuts: the same as Python would, whoever wrote the names, by any rule."""

import ast
import hashlib
import random
import unicodedata
from pathlib import Path

import pytest
from alembic import command
from rig.office import Office
from rig.pages import KEYRING
from sqlalchemy import insert, select, text, update

import zonetag_backend
from zonetag_backend.names import RULE, matches, searched, sort_key, text_key
from zonetag_backend.reports.reminder import CAUSES
from zonetag_backend.store import (
    adoption,
    directory,
    name_forms,
    people,
    registry,
    reminders,
    schema,
    tag_list,
    tags,
    visitors,
)
from zonetag_backend.store.directory import BY_UNIT, TAGLESS_FIRST, Wanted
from zonetag_backend.store.engine import Transaction, _alembic, migrate, reading, writing

WORDS = (
    "An",
    "Ánh",
    "Ẩn",
    "Bình",
    "Đạt",
    "Dũng",
    "Đỗ",
    "Lê",
    "Nguyễn",
    "Thị",
    "Văn",
    "x_y",
    "100%",
    "<b>",
    "O'Neil",
    "Ă1",
)
DAY_MS = 86_400_000
UNITS = ("", "Lớp 9A", "Lớp 10A", "Đội xe", "Dân số", "Phòng Kế toán")


@pytest.fixture
def crowd(office: Office) -> Office:
    """A hundred and twenty people of few names, two thirds with a tag, some of whom have left or are visitors."""
    rng = random.Random(7)
    with writing(office.engine) as connection:
        for n in range(120):
            name = " ".join(rng.choice(WORDS) for _ in range(rng.randint(1, 4)))
            who = registry.add_person(connection, name, rng.choice(UNITS), f"NV{n}" if n % 3 else None, n)
            if n % 3:
                tag = tags.add_tag(connection, KEYRING, f"{rng.choice('AĂ')}-{n}_{n % 7}", office.now).id
                tags.hand_out(connection, KEYRING, tag, who, n)
        ids = connection.scalars(select(schema.person.c.id)).all()
        connection.execute(insert(schema.office.visitor), [_visitor(who) for who in ids[:10]])
        connection.execute(insert(schema.office.departed), [{"person": who, "left_ms": 5} for who in ids[10:30]])
    return office


def _visitor(who: int) -> dict[str, object]:
    return {"person": who, "host": "", "phone": "", "lent_ms": 0}


@pytest.mark.both_databases
def test_the_database_finds_and_sorts_as_the_rule_says(crowd: Office) -> None:
    with reading(crowd.engine) as connection:
        everybody = [each for each in people.everybody(connection) if not each.visitor]
        for query in (
            "",
            "an",
            "AN",
            "ánh",
            "do an",
            "nv1",
            "a-1",
            "ă-100_2",
            "x_",
            "_",
            "100%",
            "%",
            "\\",
            "'",
            "le le",
        ):
            for left in (False, True):
                wanted = {
                    each.id
                    for each in everybody
                    if (each.left_ms is not None) is left
                    and matches(query, each.name, each.unit, each.code, *each.numbers)
                }
                found = directory.find(connection, Wanted(query, left=left, order=BY_UNIT))
                assert {each.id for each in found} == wanted, query
                assert directory.count(connection, Wanted(query, left=left)) == len(wanted)
                keys = [(text_key(each.unit), sort_key(each.name)) for each in found]
                assert keys == sorted(keys)
                pieces = [
                    directory.find(connection, Wanted(query, left=left, order=BY_UNIT), slice(at, at + 30))
                    for at in range(0, len(wanted), 30)
                ]
                assert [each for piece in pieces for each in piece] == found
        found = directory.find(connection, Wanted(order=TAGLESS_FIRST))
        assert [bool(each.numbers) for each in found] == sorted(bool(each.numbers) for each in found)
        assert all(not each.numbers for each in directory.find(connection, Wanted(tagless=True)))
        units = directory.units(connection)
        assert units == sorted({each.unit for each in everybody if each.unit}, key=text_key)
        assert [each.person for each in adoption.members(connection)] == [
            each.id for each in directory.find(connection, Wanted())
        ]


@pytest.mark.both_databases
def test_tags_are_found_by_number_and_wearer(crowd: Office) -> None:
    with reading(crowd.engine) as connection:
        every = tag_list.tags(connection)
        codes = {each.id: each.code for each in people.everybody(connection)}
        for query in ("a-1", "ă", "_", "an", "nv10", "ke toan", "%"):
            wanted = [
                each for each in every if matches(query, each.number, each.name, each.unit, codes[each.person or 0])
            ]
            asks = tag_list.Wanted(query=query)
            assert tag_list.tags(connection, asks) == wanted, query
            assert tag_list.count(connection, asks) == len(wanted)
            assert tag_list.tags(connection, asks, slice(1, 4)) == wanted[1:4]
        counts = tag_list.counts(connection, crowd.now, 0)
        for show, number in counts.items():
            assert len(tag_list.tags(connection, tag_list.Wanted(show, now_ms=crowd.now))) == number, show


@pytest.mark.both_databases
def test_the_use_of_tags_is_counted_as_its_members_say(crowd: Office) -> None:
    rng, now_ms, clock = random.Random(11), crowd.now, schema.tag_clock
    with writing(crowd.engine) as connection:
        ids = list(connection.scalars(select(schema.person.c.id)))
        for who in ids[30:50]:  # a second tag
            second = tags.add_tag(connection, KEYRING, f"B-{who % 10**12}", now_ms).id
            tags.hand_out(connection, KEYRING, second, who, 1)
        connection.execute(insert(schema.office.restriction), [{"person": who, "since_ms": 1} for who in ids[45:60]])
        off = [{"person": who, "since_ms": 1} for who in ids[60:75]]
        connection.execute(insert(schema.office.reminder_off), off)
        for way, days in (("webhook", 1), ("email", 8)):
            told = {"cause": "silent", "channel": way, "language": "vi", "text": "", "made_by": "x", "answer": ""}
            when = {"day": days, "made_ms": now_ms - days * DAY_MS, "tries": 0}
            reminded = [{"id": registry.new_id(), "person": who, **told, **when} for who in ids[70:90:days]]
            connection.execute(insert(schema.office.reminder), reminded)
        for which in connection.scalars(select(clock.c.tag)).all():
            heard = {"heard_ms": now_ms - rng.randrange(14 * DAY_MS), "status": rng.choice((-1, 0, 1, 8, 64, 255))}
            connection.execute(update(clock).where(clock.c.tag == which).values(**heard))
    with reading(crowd.engine) as connection:
        staff = adoption.members(connection)
        quiet = [each for each in staff if each.tag and not each.heard(now_ms) and not each.restricted]
        flat = [each for each in staff if each.flat(now_ms)]
        tally = adoption.tally(connection, now_ms)
        assert quiet
        assert flat
        assert tally.quiet == len(quiet)
        assert tally.whole == adoption.Unit(
            "", len(staff), sum(each.tag != "" for each in staff), sum(each.heard(now_ms) for each in staff), len(flat)
        )
        assert sum(unit.flat for unit in tally.units if unit.name == "Lớp 9A") == sum(
            each.unit == "Lớp 9A" for each in flat
        )
        assert adoption.some(connection, adoption.QUIET, now_ms) == quiet
        assert (
            adoption.some(connection, adoption.UNCOVERED, now_ms, slice(0, 5))
            == [each for each in staff if not each.tag][:5]
        )
        for causes in (CAUSES, CAUSES[:1], CAUSES[1:], ()):
            wanted = [each.member for each in reminders.due(staff, causes, now_ms, 7)]
            assert bool(wanted) is bool(causes)
            assert adoption.remindable(connection, causes, now_ms, 7 * DAY_MS) == (wanted, len(wanted))
            assert adoption.remindable(connection, causes, now_ms, 7 * DAY_MS, slice(0, 3)) == (wanted[:3], len(wanted))


def stale(connection: Transaction) -> list[str]:
    """Whose forms are not what the rule makes of what is written."""
    p, t = schema.person.c, schema.tag.c
    people_now = connection.execute(
        select(p.name, p.unit, p.code, p.words, p.name_order, p.unit_order, p.name_rule)
    ).all()
    tags_now = connection.execute(select(t.number, t.words, t.name_rule)).all()
    return [
        name
        for name, unit, code, *forms in people_now
        if forms != [searched(name, unit, code or ""), sort_key(name), text_key(unit), RULE]
    ] + [number for number, *forms in tags_now if forms != [searched(number), RULE]]


@pytest.mark.both_databases
def test_every_writer_keeps_the_forms(office: Office) -> None:
    with writing(office.engine) as connection:
        who = registry.add_person(connection, "Đỗ Văn Đức", "Lớp 9A", "NV1", 1)
        people.change(connection, who, "Lê Thị Ánh", "", "")
        tag = tags.add_tag(connection, KEYRING, "Ă-1", office.now)
        tag_list.keep_for_visitors(connection, tag.id, True)
        visitors.lend(connection, KEYRING, ("Trần Bình", "", ""), "Ă-1", office.now)
        rows = [{"id": n, "name": f"Bùi {n}", "unit": "", "code": None, "added_ms": 0} for n in (1, 2)]
        connection.execute(insert(schema.person), rows)  # as a roster is taken over
        assert stale(connection) == []
        assert name_forms.refill(connection) == 0


def test_nobody_changes_a_name_but_one_function() -> None:
    """An insert makes the forms by itself; an update of `person`, or rows past SQLAlchemy, would leave them behind."""
    root = Path(zonetag_backend.__file__).parent
    found = {
        path.name
        for path in root.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).endswith(("update", "rows.insert", "insert_new", "upsert"))
        and any(ast.unparse(each) in ("person", "schema.person") for each in node.args)
    }
    assert found == {"name_forms.py"}


@pytest.mark.both_databases
def test_another_rule_is_noticed_at_the_next_start(crowd: Office) -> None:
    with writing(crowd.engine) as connection:
        old = {"words": "x", "name_rule": "0"}
        connection.execute(update(schema.tag).values(**old))
        connection.execute(update(schema.person).where(schema.person.c.code.is_(None)).values(name_rule=None))
        connection.execute(update(schema.person).where(schema.person.c.code > "NV2").values(name_order=b"x", **old))
        assert stale(connection)
    migrate(crowd.engine)
    with writing(crowd.engine) as connection:
        assert stale(connection) == []
        assert name_forms.refill(connection) == 0


@pytest.mark.both_databases
def test_the_database_of_a_release_without_forms_gets_them(crowd: Office) -> None:
    with writing(crowd.engine) as connection:
        command.downgrade(_alembic(connection), "0010")
    with reading(crowd.engine) as connection, pytest.raises(Exception, match="words"):
        connection.execute(text("SELECT words FROM person"))
    migrate(crowd.engine)
    with reading(crowd.engine) as connection:
        assert stale(connection) == []
        assert directory.count(connection, Wanted("ke toan"))


def test_a_change_of_the_rule_gets_a_new_number() -> None:
    """Whoever changes `names` so that this fails writes another number into RULE, then the new digest here."""
    made = hashlib.sha256()
    for name in (*WORDS, *UNITS, "Nguyễn Thị Ánh Nguyệt", "Zoë Strauß", "Łukasz", "李 明", "10A2 b-3", "  "):
        made.update(searched(name, "Ă_1").encode() + sort_key(name) + text_key(name))
    assert (RULE.split()[0], made.hexdigest()[:16]) == ("1", "49a3d8b840f169bd")
    assert RULE.split()[1] == unicodedata.unidata_version
