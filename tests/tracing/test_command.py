"""`zonetag trace`, as people type it."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from rig.world import DAY_MS, HOUR_MS, MINUTE_MS, World

from zonetag_backend.cli import main
from zonetag_backend.clock import utc_ms

BEGIN_MS = (utc_ms() // DAY_MS - 3) * DAY_MS  # within retention by the clock that the command reads
DAY, NEXT = (datetime.fromtimestamp((BEGIN_MS + n * DAY_MS) / 1000, UTC).date().isoformat() for n in (0, 1))


@pytest.fixture
def office(world: World) -> World:
    """1 and 2 close for an hour at 8, 2 and 3 on the next day; 4 was only in the room of 1; 5 wears no tag.  Recent."""
    world.people(5, 4, 2)
    for person in range(1, 5):
        world.wear(person, person)
    start = BEGIN_MS + 2 * HOUR_MS
    for tag in (1, 2, 4):
        world.be(1, tag, start, start + 40 * MINUTE_MS)
    for epoch in range(3):
        world.hear(1, 2, start + epoch * 1_024_000, range(32))
        world.hear(3, 2, start + 26 * HOUR_MS + epoch * 1_024_000, range(32))
    return world


def run(world: World, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    code = main(["trace", *words, "--data", str(world.folder)])
    said = capsys.readouterr()
    return code, said.out, said.err


ASKED = ("P1", "--since", DAY, "--until", NEXT, "--reason", "test positive")


def test_it_tells_who_when_where_and_how_surely(office: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(office, capsys, *ASKED)
    assert (code, err) == (0, "")
    assert "F1: 1 contact\n  P2 (2): over 99 %\n" in out
    assert f"{DAY} 02:00 - 02:51  tag heard tag: close for" in out
    assert "F2: 1 contact\n  P3 (3): over 99 % (whole chain over 99 %), through P2 (2)\n" in out
    assert f"{DAY} 02:00 - 02:40  R1 (hq)\n      02:00 - 02:40  P2 (2)\n      02:00 - 02:40  P4 (4)" in out


def test_as_json(office: World, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(office, capsys, *ASKED, "--json", "--depth", "1", "--at-least", "0.02")
    told = json.loads(out)
    assert code == 0
    assert [(each["who"]["name"], each["generation"]) for each in told["found"]] == [("P2", 1), ("P4", 1)]
    direct, place = told["found"][0]["days"]
    assert (direct["evidence"], place["evidence"]) == ("direct", "place")
    assert sum(direct["bands"].values()) == pytest.approx(direct["together_minutes"], abs=0.2)
    assert direct["close_low"] <= direct["close_minutes"] <= direct["close_high"]
    assert place["places"] == ["R1"]
    assert [zone["place"] for zone in told["zones"]] == ["R1"]


def test_backward(office: World, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("P3", *ASKED[1:], "--backward", "--profile", "covid-19")
    _, out, _ = run(office, capsys, *words)
    assert "S1: 1 possible source\n  P2 (2)" in out
    assert "S2: 1 possible source\n  P1 (1)" in out


def test_into_a_workbook_and_no_name_becomes_a_formula(
    office: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with office.database.begin() as connection:
        connection.exec_driver_sql("UPDATE person SET name = '=HYPERLINK(1)' WHERE id = 2")
    code, _, _ = run(office, capsys, *ASKED, "--xlsx", str(tmp_path / "trace.xlsx"))
    assert code == 0
    book = load_workbook(tmp_path / "trace.xlsx")
    assert [sheet.title for sheet in book] == ["Contacts", "Places"]
    rows = list(book["Contacts"].iter_rows(min_row=2, values_only=True))
    assert (rows[0][0], rows[0][1], rows[0][5]) == (1, "'=HYPERLINK(1)", "direct")
    assert {len(row) for row in rows} == {book["Contacts"].max_column}
    assert all(cell.data_type != "f" for sheet in book for row in sheet.iter_rows() for cell in row)


def test_it_stands_in_the_audit_log_and_needs_a_reason(office: World, capsys: pytest.CaptureFixture[str]) -> None:
    run(office, capsys, *ASKED)
    with office.database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT action, about, reason FROM audit").all()
    assert [tuple(row) for row in rows] == [("contacts.trace", "1", "test positive")]
    assert run(office, capsys, *ASKED[:-1], "  ")[0] == 1
    with pytest.raises(SystemExit):
        run(office, capsys, *ASKED[:-2])


def test_what_is_older_than_retention_is_not_told(
    office: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "short.toml").write_text("[retention]\ndays = 1\n")
    _, out, _ = run(office, capsys, *ASKED, "--config", str(tmp_path / "short.toml"))
    assert "F1: 0 contacts" in out
    assert "Places: 0" in out


def test_it_says_when_an_empty_list_says_nothing(
    office: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(office, capsys, *ASKED)[2] == ""  # control
    _, out, err = run(office, capsys, *ASKED, "--since", "2000-01-01", "--until", "2000-01-02")
    assert "2000-01-03 00:00 to 2000-01-03 00:00" in out
    assert "nothing is kept" in err
    assert "retention.days" in err
    _, out, err = run(office, capsys, *ASKED, "--since", "2000-01-01")
    assert "F1: 1 contact" in out
    assert "retention.days" in err
    code, out, err = run(office, capsys, "P5", *ASKED[1:])
    assert code == 0
    assert "F1: 0 contacts" in out
    assert "wore no tag" in err


@pytest.mark.parametrize(("option", "day"), [("--since", "0001-01-01"), ("--until", "9999-12-31"), ("--since", "5/3")])
def test_a_day_that_cannot_be_is_refused_by_name(
    office: World, capsys: pytest.CaptureFixture[str], option: str, day: str
) -> None:
    with pytest.raises(SystemExit) as refused:
        run(office, capsys, *ASKED, option, day)
    assert refused.value.code == 2
    assert repr(day) in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [("--depth", "0"), ("--depth", "99"), ("--at-least", "2"), ("--since", "2099-09-23")],
)
def test_what_cannot_be_is_refused(office: World, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    code, _, err = run(office, capsys, *ASKED, *words)
    assert code == 1
    assert err.startswith("zonetag: --")
