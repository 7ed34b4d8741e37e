"""`zonetag report` writes what the pages give, and records it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rig.office import Office

from zonetag_backend.cli import main
from zonetag_backend.store import audit_log
from zonetag_backend.store.engine import reading


@pytest.mark.parametrize(
    ("words", "form", "begins"),
    [
        ("book --day 2026-11-20", "pdf", b"%PDF-"),
        ("book", "csv", b"\xef\xbb\xbfSTT;"),
        ("evacuation --language en", "csv", b"\xef\xbb\xbfNo.,"),
        ("adoption --number 12", "xlsx", b"PK"),
        ("labels --names", "pdf", b"%PDF-"),
        ("labels", "xlsx", b"PK"),
        ("poster lift", "pdf", b"%PDF-"),
        ("consent", "pdf", b"%PDF-"),
        ("visitor --tag A-001", "pdf", b"%PDF-"),
    ],
)
def test_papers(office: Office, tmp_path: Path, words: str, form: str, begins: bytes) -> None:
    office.person("Lê Thị Ánh", "Phòng Kỹ thuật", "NV1")
    file = tmp_path / f"paper.{form}"
    assert main(["report", *words.split(), f"--{form}", str(file), "--data", str(tmp_path)]) == 0
    assert file.read_bytes().startswith(begins)
    with reading(office.engine) as connection:
        actions = [each.action for each in audit_log.entries(connection)]
    assert ("export.make" in actions) == (words.split(maxsplit=1)[0] not in ("poster", "consent"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("book --site none --pdf {}/x.pdf", "which site: van-phong"),
        ("case 5 --reason x --pdf {}/x.pdf", "there is no case 5"),
        ("case 5 --reason  --pdf {}/x.pdf", "why this is printed"),
        ("visitor --tag Z --pdf {}/x.pdf", "no tag Z"),
        ("adoption --pdf {}/none/x.pdf", "Choose another place"),
    ],
)
def test_what_cannot_be_done_is_said(
    office: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: str, said: str
) -> None:
    arguments = [word.format(tmp_path) for word in words.split(" ")]
    assert main(["report", *arguments, "--data", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()


def test_the_book_has_the_names(office: Office, tmp_path: Path, read: Callable[[bytes], str]) -> None:
    file = tmp_path / "labels.pdf"
    office.person("Lê Thị Ánh")
    assert main(["report", "labels", "--names", "--pdf", str(file), "--data", str(tmp_path)]) == 0
    assert "Lê Thị" in read(file.read_bytes())
