"""One paper, three forms: read back by other programs than made them."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest
from rig.papers import HEAD

from zonetag_backend.reports import (
    consent_form,
    csv_file,
    fonts,
    label_sheet,
    pdf,
    pdf_page,
    poster,
    visitor_slip,
    xlsx_file,
)
from zonetag_backend.reports.file_name import file_name
from zonetag_backend.reports.label_sheet import Label
from zonetag_backend.reports.letterhead import MOTTO, MOTTO_LINE, Letter, dated
from zonetag_backend.reports.pdf_columns import widths
from zonetag_backend.reports.table import CLOCK, DATE, NUMBER, TIME, Cell, Column, Paper, Table, number, shown, twin
from zonetag_backend.reports.visitor_slip import Slip
from zonetag_backend.reports.words import LANGUAGES, WORDS

DAY = date(2026, 3, 5)
PRINTED = datetime.fromisoformat("2026-03-05T17:01")
COLUMNS = (
    Column("no", "STT", NUMBER, 0.5),
    Column("name", "Họ và tên", weight=3),
    Column("came", "Giờ vào", TIME),
    Column("day", "Ngày", DATE),
    Column("minutes", "Số phút", NUMBER),
)
NAMES = (
    "Nguyễn Thị Hồng Ưỡng",
    '=HYPERLINK("http://x","y")',
    "+84 912 345 678",
    "-1+1",
    "@SUM(A1)",
    "\t=1+1",
    "<script>alert(1)</script>",
    "Trần \u202eVăn\u202c Nhỏ",
    'a;b,"c"\nd',
    "Ng\u0075\u031b\u0303 Phân rã",
    "dài" * 34,
    "\ud800 nửa chữ",
    "张伟 محمد 🙂",
    "",
)


def row(position: int, name: str) -> tuple[Cell, ...]:
    return (position, name, datetime.fromisoformat(f"2026-03-05T07:{position % 60:02}"), DAY, 12345.6)


def paper(names: tuple[str, ...] = NAMES, letter: Letter | None = None, language: str = "vi") -> Paper:
    rows = tuple(row(n, name) for n, name in enumerate(names, 1))
    table = Table("SỔ THEO DÕI RA VÀO", COLUMNS, rows)
    return Paper(
        "book", language, HEAD, table, PRINTED, DAY, ("Văn phòng",), "Không có ai.",
        date(2026, 3, 26), ("Người theo dõi",), letter,
    )  # fmt: skip


@pytest.fixture(params=["found", "own"])
def family(request: pytest.FixtureRequest) -> fonts.Family:
    """What this machine has, and what we bring along."""
    return fonts.find() if request.param == "found" else fonts.find((Path("/nowhere"),))


def test_a_pdf_says_what_the_rows_say_with_every_diacritic(
    family: fonts.Family, read: Callable[[bytes], str], pdf_fonts: Callable[[bytes], list[tuple[str, bool]]]
) -> None:
    data = pdf.render(paper(), family)
    text = read(data)
    for wanted in ("SỔ THEO DÕI RA VÀO", "Nguyễn Thị Hồng Ưỡng", "Ngữ Phân rã", "07:01", "05/03/2026", "12.345,6"):
        assert wanted in text, wanted
    assert "lưu đến hết ngày 26/03/2026" in text
    assert "\u202e" not in text
    assert "ỦY BAN NHÂN DÂN\n" in text, "broken into lines of like length"
    assert "TỈNH QUẢNG NGÃI" in text
    embedded = pdf_fonts(data)
    assert embedded
    assert all(is_in for _, is_in in embedded), embedded
    assert not any("Ital" in name and "Source" in name for name, _ in embedded), "its italic lacks Vietnamese"


def test_a_family_without_vietnamese_is_not_taken(tmp_path: Path) -> None:
    """Such a build of Liberation Serif is about; a control that only Vietnamese is asked for."""
    ours = fonts.find((tmp_path,))
    assert fonts.covers(ours.regular)
    assert fonts.covers(ours.bold)
    assert not fonts.covers(Path(ours.regular).with_name("SourceSerifPro-It.ttf"))
    assert not fonts.covers(tmp_path / "none.ttf")
    folder = tmp_path / "truetype" / "liberation"
    folder.mkdir(parents=True)
    for style in ("Regular", "Bold", "Italic", "BoldItalic"):
        (folder / f"LiberationSerif-{style}.ttf").write_bytes(Path(ours.regular).read_bytes())
    assert fonts.find((tmp_path / "truetype" / "..",)).name == "Liberation Serif"
    (folder / "LiberationSerif-Italic.ttf").unlink()
    assert fonts.find((tmp_path / "truetype" / ".." / "truetype" / "..",)).name == "Source Serif Pro"


def test_a_long_table_breaks_between_rows_under_a_repeated_head(read: Callable[[bytes], str]) -> None:
    names = tuple(f"Người số {n:04}" for n in range(2000))
    pages = read(pdf.render(paper(names))).split("\f")[:-1]
    assert len(pages) > 40
    for position, page in enumerate(pages, 1):
        assert f"{position}/{len(pages)}" in page
        assert "Họ và tên" in page or "Người số" not in page
    numbers = re.findall(r"Người số (\d{4})", "".join(pages))
    assert [int(each) for each in numbers] == list(range(2000))


def test_a_letter_has_the_form_of_the_decree(read: Callable[[bytes], str]) -> None:
    letter = Letter("báo cáo tình hình sử dụng thẻ", ("Đoạn một./.",), "12")
    text = read(pdf.render(paper(letter=letter)))
    first, second = text.split("\f")[:2]
    for wanted in (
        MOTTO, MOTTO_LINE, "Số: 12/VP-STTTT", "V/v báo cáo", "Quảng Ngãi, ngày 05 tháng 3 năm 2026",
        "Kính gửi: Sở Thông tin và Truyền thông", "Nơi nhận:", "- Như trên;", "- Lưu: VT.", "CHÁNH VĂN PHÒNG",
        "Nguyễn Thị Hường",
    ):  # fmt: skip
        assert wanted in first, wanted
    assert second.lstrip().startswith("Phụ lục"), "an annex counts its own pages, and the first bears no number"
    assert "(Kèm theo Công văn số 12/VP-STTTT ngày 05 tháng 3 năm 2026 của Văn phòng Sở Thông tin)" in " ".join(
        second.split()
    )
    long = read(pdf.render(paper(tuple(f"Người {n}" for n in range(80)), letter))).split("\f")
    assert long[2].lstrip().startswith("2"), "the number stands at the head, from the second page on"


def test_columns_are_as_wide_as_their_words_want() -> None:
    def width(text: str, bold: bool) -> float:
        return len(text) * (2.5 if bold else 2)

    columns = (Column("no", "STT", NUMBER), Column("name", "Họ và tên", weight=2), Column("came", "Giờ vào", TIME))
    rows = [("1", "Nguyễn Thị Hồng Ưỡng", "07:01"), *[("2", "Lê An", "đang ở trong")] * 50]
    for room in (165.0, 75.0):
        no, name, came = widths(columns, rows, room, 1, width)
        assert sum((no, name, came)) == pytest.approx(room)
        assert no >= width("STT", True) + 2, "no head is broken within a word"
        assert came >= width("đang ở trong", False) + 2, "no time is broken at all"
    assert sum(widths(columns, [], 165, 1, width)) == pytest.approx(165)
    assert sum(widths(columns, rows, 20, 1, width)) == pytest.approx(20), "whatever has to give"


def test_margins_are_those_of_the_decree() -> None:
    assert (pdf_page.TOP, pdf_page.BOTTOM, pdf_page.LEFT, pdf_page.RIGHT) == (20, 20, 30, 15)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (date(2026, 3, 5), "ngày 05 tháng 3 năm 2026"),
        (date(2026, 2, 28), "ngày 28 tháng 02 năm 2026"),
        (date(2026, 11, 20), "ngày 20 tháng 11 năm 2026"),
    ],
)
def test_dates_of_letters(day: date, said: str) -> None:
    assert dated("Hà Nội", day) == f"Hà Nội, {said}"


def test_numbers() -> None:
    assert number(12345.6, "vi") == "12.345,6"
    assert number(12345.6, "en") == "12,345.6"
    assert number(2000, "vi") == "2.000"
    assert number(0, "vi") == "0"


def test_a_workbook_has_dates_numbers_a_frozen_head_and_no_formula() -> None:
    book = openpyxl.load_workbook(io.BytesIO(xlsx_file.render(paper())))
    sheet = book.active
    assert sheet.freeze_panes == "A6"
    assert sheet.print_title_rows == "$5:$5"
    assert (sheet.page_setup.paperSize, sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight) == (9, 1, 0)
    assert "26/03/2026" in sheet["A3"].value
    rows = list(sheet.iter_rows(min_row=6))
    for cells, name in zip(rows, NAMES, strict=True):
        assert cells[1].data_type in ("s", "n")
        assert cells[1].data_type == "s" or cells[1].value is None
        assert (cells[1].value or "") == shown(name)
        assert cells[2].is_date
        assert cells[2].value.date() == DAY
        assert cells[3].is_date
        assert cells[3].number_format == "dd/mm/yyyy"
        assert cells[4].value == 12345.6
    assert rows[1][1].quotePrefix
    assert sheet.column_dimensions["B"].width > 20
    assert sheet.column_dimensions["D"].width < 20, "a day needs no more"
    assert sheet.row_dimensions[16].height > 2 * 15, "a long name has lines, and room for them"
    assert sheet.page_margins.left == pytest.approx(30 / 25.4)


def test_a_csv_opens_in_a_spreadsheet_and_is_no_formula() -> None:
    for language, delimiter in (("vi", ";"), ("en", ",")):
        data = csv_file.render(paper(language=language))
        assert data.startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), delimiter=delimiter))
        assert rows[0][1] == "Họ và tên"
        assert len(rows) == len(NAMES) + 1
        for cells, name in zip(rows[1:], NAMES, strict=True):
            assert not cells[1].startswith(("=", "+", "-", "@", "\t", "\r", "\n"))
            assert cells[1].removeprefix("'") == shown(name)
            assert cells[2].startswith("2026-03-05 07:")
            assert cells[3] == "2026-03-05"
            assert cells[4] == ("12345,6" if language == "vi" else "12345.6")


def test_nothing_is_said_in_every_form(read: Callable[[bytes], str]) -> None:
    empty = paper(())
    assert "Không có ai." in read(pdf.render(empty))
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_file.render(empty))).active
    assert sheet["A6"].value == "Không có ai."
    assert csv_file.render(empty).decode("utf-8-sig").count("\r\n") == 1
    assert twin(empty)["rows"] == []


def test_every_form_has_the_same_rows(read: Callable[[bytes], str]) -> None:
    some = paper(("Ân", "Bình", "Đức"))
    rows = twin(some)["rows"]
    assert isinstance(rows, list)
    assert [each["name"] for each in rows] == ["Ân", "Bình", "Đức"]
    text = read(pdf.render(some))
    assert all(name in text for name in ("Ân", "Bình", "Đức"))


def test_a_clock_needs_no_day() -> None:
    columns = (Column("at", "Từ", CLOCK),)
    table = Table("x", columns, ((datetime.fromisoformat("2026-03-04T07:05"),),))
    sheet = openpyxl.load_workbook(io.BytesIO(xlsx_file.render(Paper("x", "vi", HEAD, table, PRINTED)))).active
    assert sheet["A6"].value == datetime.fromisoformat("2026-03-04T07:05")
    assert sheet["A6"].number_format == "hh:mm"


@pytest.mark.parametrize("language", LANGUAGES)
def test_sheets(read: Callable[[bytes], str], language: str) -> None:
    link = "https://zonetag.example.vn/mine"
    for place in poster.PLACES:
        head = replace(HEAD, name="Sở Thông tin và Truyền thông " * 5) if place == poster.ENTRANCE else HEAD
        text = read(poster.render(place, head, link, language))
        assert link in text
        assert text.count("\f") == 1, "one page"
        assert text.index("Quét" if language == "vi" else "Scan") > len(text) - 120, "the lines end above the code"
    form = read(consent_form.render(HEAD, 21, language))
    assert form.count("\f") == 1
    assert ("21 ngày" if language == "vi" else "21 days") in form
    slips = read(visitor_slip.render(HEAD, link, DAY, language))
    assert slips.count("05/03/2026") == 4
    assert slips.count("\f") == 1
    one = read(visitor_slip.render(HEAD, link, DAY, language, Slip("K-007", "Lê Thị Bưởi", "Thanh tra")))
    assert "Thanh tra" in one
    assert "K-007" in one
    assert "Lê Thị Bưởi" in one


def test_labels(read: Callable[[bytes], str]) -> None:
    text = read(label_sheet.render([Label(f"A-{n:03}", "Đỗ Thị Mỹ" if n == 3 else "") for n in range(25)], "-"))
    assert text.count("\f") == 2, "24 on a sheet"
    assert all(f"A-{n:03}" in text for n in range(25))
    assert "Đỗ Thị Mỹ" in text
    assert "Chưa có thẻ" in read(label_sheet.render([], "Chưa có thẻ nào."))


@pytest.mark.parametrize(
    ("language", "part", "said"),
    [
        ("vi", "Trụ sở Đống Đa", "so-ra-vao-2026-11-20-Tru-so-Dong-Da"),
        ("en", "Trụ sở", "in-out-book-2026-11-20-Tru-so"),
        ("vi", '../"a\r\nb";%00/ç.exe', "so-ra-vao-2026-11-20-a-b-00-c-exe"),
        ("vi", "東京", "so-ra-vao-2026-11-20"),
        ("vi", "Phòng " * 99, f"so-ra-vao-2026-11-20-{('Phong-' * 7)[:40]}"),
    ],
)
def test_the_name_of_a_file_is_words_in_ascii(language: str, part: str, said: str) -> None:
    assert file_name(language, "book", date(2026, 11, 20), part) == said
    assert re.fullmatch(r"[0-9A-Za-z-]+", said)


def test_every_word_stands_in_both_languages() -> None:
    for name, texts in WORDS.items():
        assert len(texts) == len(LANGUAGES), name
        assert all(texts), name
        wanted = [sorted(re.findall(r"{(\w+)}", text)) for text in texts]
        assert wanted[0] == wanted[1], name
