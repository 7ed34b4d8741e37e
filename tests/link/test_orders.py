"""What is typed for tags: settings that they may have, and archives that they could start."""

import json
from pathlib import Path

import pytest

from zonetag_backend.cli import main
from zonetag_backend.store.engine import open_database
from zonetag_protocol import linkmessage
from zonetag_tag.update import PACKAGES


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    assert main(["tag", "add", "T-1", "--data", str(folder)]) == 0
    return folder


def orders(data: Path) -> list[dict[int, int] | None]:
    database = open_database(f"sqlite:///{data / 'zonetag.db'}")
    with database.connect() as connection:
        rows = connection.exec_driver_sql("SELECT body FROM link_order WHERE state = 'waiting'").all()
    database.dispose()
    return [linkmessage.unpack_settings(bytes(row[0])) for row in rows]


def test_settings_wait_for_the_tag_and_the_last_word_counts(data: Path) -> None:
    of = ["tag", "settings", "T-1", "--data", str(data)]
    assert main([*of, "--look-every", "2"]) == 0
    assert main([*of, "--look-every", "4", "--look-ms", "400", "--weakest", "90", "--connectable", "8"]) == 0
    assert orders(data) == [{1: 4, 2: 400, 3: 90, 4: 8}]


@pytest.mark.parametrize(
    "words", [[], ["--look-every", "33"], ["--look-ms", "20"], ["--weakest", "39"], ["--connectable", "0"]]
)
def test_what_a_tag_would_refuse_or_never_come_back_from_is_refused(data: Path, words: list[str]) -> None:
    assert main(["tag", "settings", "T-1", *words, "--data", str(data)]) == 1
    assert orders(data) == []


def test_an_archive_holds_the_modules_and_goes_to_a_tag(data: Path, tmp_path: Path) -> None:
    files = {"zonetag_tag/app.mpy": b"app", "zonetag_protocol/link.mpy": b"link"}
    for name, content in {**files, "zonetag_tag/app.py": b"source", "main.py": b"main"}.items():
        (tmp_path / "made" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "made" / name).write_bytes(content)
    archive = tmp_path / "archive"
    assert main(["tag", "firmware", "pack", str(tmp_path / "made"), str(archive)]) == 0
    assert archive.read_bytes() == linkmessage.pack_archive(files)
    assert {name.split("/")[0] for name in files} == set(PACKAGES), "what the tag takes"
    assert main(["tag", "firmware", "pack", str(tmp_path / "made"), str(archive)]) == 1, "nothing is written over"
    words = ["--firmware", str(archive), "--version", "0.2.0", "--data", str(data)]
    assert main(["tag", "update", "T-1", *words]) == 0
    for version in ("0.2", "0.256.0", "0.-1.0", "new"):
        assert (
            main(["tag", "update", "T-1", "--firmware", str(archive), "--version", version, "--data", str(data)]) == 1
        )


def test_a_roll_out_is_listed_and_stopped_as_at_the_page(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, where = tmp_path / "archive", ["--data", str(data)]
    archive.write_bytes(b"modules")
    assert main(["tag", "update", "--all", "--firmware", str(archive), "--version", "0.2.0", *where]) == 0

    def listed() -> dict[str, object]:
        capsys.readouterr()
        assert main(["tag", "firmware", "list", "--json", *where]) == 0
        [found] = json.loads(capsys.readouterr().out)
        return dict(found)

    assert (listed()["state"], listed()["waiting"], listed()["stopped_by"]) == ("running", 1, None)
    for waited in (1, 0):  # the second stops nothing, and is no act
        assert main(["tag", "firmware", "stop", "0.2.0", *where]) == 0
        assert capsys.readouterr().out.startswith(f"{waited} tags no longer wait for firmware 0.2.0")
        assert (listed()["state"], listed()["waiting"]) == ("not-given", 0)
    assert main(["audit", "export", "--json", *where]) == 0
    assert capsys.readouterr().out.count('"stop 0.2.0"') == 1
    assert main(["tag", "firmware", "stop", "0.3.0", *where]) == 1
    assert "zonetag tag firmware list" in capsys.readouterr().err
    assert main(["tag", "firmware", "list", *where]) == 0
    assert capsys.readouterr().out.split()[:3] == ["version", "added", "state"]


def test_a_folder_without_the_modules_that_keep_a_tag_in_reach_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tag", "firmware", "pack", str(tmp_path), str(tmp_path / "archive")]) == 1
    assert "./flash.sh --compile" in capsys.readouterr().err
    assert not (tmp_path / "archive").exists()
