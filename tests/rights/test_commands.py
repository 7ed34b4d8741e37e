"""The commands on the server: what is restricted or past its time they tell no more than the pages."""

import datetime as dt
from collections.abc import Callable
from pathlib import Path

import pytest
from rig.everything import MARKS, Everything, shift
from rig.office import ZONE, at
from rig.reader import Reader

from zonetag_backend.cli import main
from zonetag_backend.clock import utc_ms
from zonetag_backend.store import audit_log, consent_ledger, registry, restrictions
from zonetag_backend.store.engine import open_database, reading, writing

DAY_MS = 86_400_000
Said = Callable[[str], str]
# What tells of her days, and what of her as somebody of the register or in danger.
DAYS = (
    "trace CB001 --since {day} --until {day} --reason kiểm_tra --json",
    "trace CB001 --since {day} --until {day} --reason kiểm_tra --backward",
    "case trace {case}",
    "report book --day {day} --csv {file}",
    "report book --day {day} --pdf {file}",
    "report case {case} --reason kiểm_tra --csv {file}",
    "report case {case} --reason kiểm_tra --xlsx {file}",
)
HERS = ("trace RX77 --since {day} --until {day} --reason xem", "door log RX77 --since {day} --until {day} --reason xem")
REGISTER = ("person list", "tag list", "report labels --csv {file}")


def moved(whole: Everything, days_ago: int) -> str:
    """As if it had been so many days ago; the day on which they met."""
    by_ms = utc_ms() - whole.office.now - days_ago * DAY_MS
    shift(whole.office, by_ms)
    return f"{dt.datetime.fromtimestamp((at('09:00', 18) + by_ms) / 1000, ZONE):%Y-%m-%d}"


@pytest.fixture
def said(whole: Everything, reader: Reader, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Said:
    """What a command says and writes."""

    def run(words: str) -> str:
        file = tmp_path / "out"
        file.unlink(missing_ok=True)
        capsys.readouterr()
        main([*words.replace("{file}", str(file)).split(), "--data", str(whole.folder)])
        shown = capsys.readouterr()
        return shown.out + shown.err + (reader.text(file.read_bytes()) if file.exists() else "")

    return run


def of(commands: tuple[str, ...], day: str, whole: Everything) -> list[str]:
    return [each.replace("{day}", day).replace("{case}", whole.values["case"]) for each in commands]


def test_she_is_told_of_by_no_command_that_is_not_excepted(whole: Everything, said: Said) -> None:
    day = moved(whole, 1)
    for words in (*of(DAYS, day, whole), *REGISTER):
        assert MARKS.search(said(words)), words  # the control
    assert all("restricted" not in said(words) for words in of(HERS, day, whole))
    with writing(whole.office.engine) as connection:
        restrictions.restrict(connection, whole.xuyen, utc_ms())
    for words in of(DAYS, day, whole):
        assert not MARKS.search(said(words)), words
    for words in of(HERS, day, whole):
        assert "restricted at their request" in said(words)
    for words in REGISTER:
        assert MARKS.search(said(words)), words
    opened = said(f"case open RX77 --day {day} --reason xét_nghiệm_dương_tính")
    assert "Trần Văn Bình" in opened  # a case of her own is traced
    assert all("restricted" not in said(words) for words in of(HERS, day, whole))


def test_what_is_past_its_time_is_told_by_no_command(whole: Everything, said: Said) -> None:
    day = moved(whole, 22)
    for words in of(DAYS, day, whole):
        text = said(words)
        assert not MARKS.search(text), words
        assert "08:30" not in text, words
    assert "no crossing" not in said(of(HERS, day, whole)[1])
    assert whole.values["case"] not in said("case list")
    assert f'"heard_ms": {at("14:29")}' not in said("tag list --json")
    assert '"heard_ms": null' in said("tag list --json")


def test_a_tag_given_by_a_command_to_who_has_not_agreed_is_warned_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(words: str) -> str:
        assert main([*words.split(), "--data", str(tmp_path)]) == 0
        return capsys.readouterr().err

    said("person add An --code NV1")
    assert "An has not agreed to: book, tracing" in said("tag add B-1 --person An")
    said("tag add B-2")
    assert "NV1 has not agreed to: book, tracing" in said("tag give B-2 NV1")
    engine = open_database(f"sqlite:///{tmp_path / 'zonetag.db'}")
    needed = consent_ledger.NEEDED
    with writing(engine) as connection:
        who = registry.find_person(connection, "NV1")
        consent_ledger.note(connection, who, needed, given=True, how="paper", version="1", by="x", now_ms=1)
    assert said("tag add B-3 --person NV1") == ""
    with reading(engine) as connection:
        actions = [each.action for each in audit_log.entries(connection)]
    assert (actions.count("agreement.missing"), actions.count("tag.give")) == (2, 3)
    engine.dispose()
