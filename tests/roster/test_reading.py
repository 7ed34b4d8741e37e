"""Files as offices send them, and files as nobody should."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Sequence

import pytest
from rig.rosters import people, workbook

from zonetag_backend.roster import rows as r
from zonetag_backend.roster.reading import MOST_BYTES, read
from zonetag_backend.roster.rows import Refused, Row
from zonetag_backend.roster.template import template

HEAD = ("Họ và tên", "Đơn vị", "Mã số", "Số thẻ")
AN = ("Nguyễn Thị Ánh", "Phòng Hành chính", "NV001", "A-001")
BINH = ("Đỗ Văn Bình", "Phòng Kế toán", "NV002", "")


def text(lines: Sequence[Sequence[str]], separator: str = ",") -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows(lines)
    return file.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(Refused) as refused:
        read(content)
    return refused.value.code


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """The workbook with one file of the archive added or replaced."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for each in old.infolist():
            if each.filename != name:
                new.writestr(each, old.read(each))
        new.writestr(name, part)
    return out.getvalue()


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_csv_as_programs_write_it(encoding: str, separator: str) -> None:
    assert people(text([HEAD, AN, BINH], separator).encode(encoding)) == [AN, BINH]


def test_windows_1258() -> None:
    """Its tones are characters of their own: Excel of old wrote them after the letter."""
    lines = text([("Ho va ten", "Don vi"), ("Nguyê\u0303n Thi\u0323 A\u0301nh", "Pho\u0300ng Ha\u0300nh chi\u0301nh")])
    assert people(lines.encode("cp1258")) == [("Nguyễn Thị Ánh", "Phòng Hành chính", "", "")]


def test_a_comma_inside_a_unit_separates_nothing() -> None:
    line = ("Lê Văn An", "Phòng Giáo dục, Y tế", "1", "")
    assert people(text([HEAD, line], ";").encode()) == [line]
    assert people(text([HEAD, line], ",").encode()) == [line]


def test_a_cell_beyond_all_bounds_is_cut_as_in_a_workbook() -> None:
    """Else one of 100,000 signs would keep the whole server busy for minutes."""
    lines = (HEAD, ("!" * r.MOST_TEXT + "An", "Phòng -" + "1" * 500, *[""] * r.MOST_COLUMNS, "beyond"))
    for content in (text(lines).encode(), workbook(("Sheet1", lines))):
        [row] = read(content)
        assert (row.name, row.unit) == ("!" * r.MOST_TEXT, ("Phòng -" + "1" * 500)[: r.MOST_TEXT])
    wide = text([(*["x"] * r.MOST_COLUMNS, "Họ và tên"), (*["x"] * r.MOST_COLUMNS, "An")], ";")
    assert refusal(wide.encode()) == r.NO_HEAD


def test_one_column_is_enough() -> None:
    assert people("Họ và tên\nLê Văn An\n\nTrần Bình\n".encode()) == [
        ("Lê Văn An", "", "", ""),
        ("Trần Bình", "", "", ""),
    ]


@pytest.mark.parametrize(
    "head",
    [
        ("STT", "HỌ VÀ TÊN (*)", "Phòng/Ban", "Mã NV", "Số thẻ"),
        ("No", "Full name", "Department", "Staff number", "Tag number"),
        ("TT", "Họ tên", "Lớp", "Mã học sinh", "Thẻ"),
    ],
)
def test_heads_of_columns(head: tuple[str, ...]) -> None:
    title: tuple[object, ...] = ("DANH SÁCH CÁN BỘ",)
    assert people(workbook(("Sheet1", [title, (), head, (1, *AN), (2, *BINH)]))) == [AN, BINH]


def test_the_name_in_two_columns() -> None:
    lines = [("STT", "Họ đệm", "Tên", "Lớp"), (1, "Nguyễn Thị", "Ánh", "10A1")]
    assert people(workbook(("Sheet1", lines))) == [("Nguyễn Thị Ánh", "10A1", "", "")]
    merged = [("STT", "Họ và tên", None, "Lớp"), (1, "Nguyễn Thị", "Ánh", "10A1")]
    assert people(workbook(("Sheet1", merged))) == [("Nguyễn Thị Ánh", "10A1", "", "")]


def test_a_sheet_a_class() -> None:
    head = ("STT", "Họ và tên", "Mã học sinh")
    book = workbook(
        ("10A1", [("LỚP 10A1",), head, (1, "Lê An", 2024001)]),
        ("10A2", [head, (1, "Trần Bình", 2024002.0)]),
        ("Ghi chú", [("Năm học 2026-2027",)]),
    )
    assert [(row.sheet, row.line, row.name, row.unit, row.code) for row in read(book)] == [
        ("10A1", 3, "Lê An", "10A1", "2024001"),
        ("10A2", 2, "Trần Bình", "10A2", "2024002"),
    ]


def test_the_template_fits() -> None:
    assert refusal(template()) == r.EMPTY  # its head is known, and nobody is in it


def test_a_formula_is_no_name() -> None:
    [row] = read(workbook(("Sheet1", [HEAD, ("=A1", "x", "1", "")])))
    assert row.formula
    [row] = read("Họ và tên\n=HYPERLINK(1)\n".encode())  # a CSV has texts alone, and that one is shown as such
    assert row == Row("", 2, "=HYPERLINK(1)", "", "", "", False)


def test_refused_by_name() -> None:
    good = workbook(("Sheet1", [HEAD, AN]))
    assert refusal(b" \n") == r.EMPTY
    assert refusal(b"\xd0\xcf\x11\xe0 old") == r.OLD_EXCEL
    assert refusal(good[:-200]) == r.DAMAGED
    assert refusal(b"PK\x03\x04 and no more") == r.DAMAGED
    assert refusal(b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR") == r.NOT_A_LIST
    assert refusal(b"%PDF-1.7\n\x01\x02") == r.NOT_A_LIST
    assert refusal("Tên cột,Khác\nLê An,1\n".encode()) == r.NO_HEAD
    assert refusal(b"x" * (MOST_BYTES + 1)) == r.TOO_LARGE
    assert refusal(with_part(good, "xl/vbaProject.bin", b"macro")) == r.MACROS
    assert refusal("Họ và tên\n".encode() + b"Le An\n" * 30_000) == r.TOO_MANY
    other = io.BytesIO()
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    assert refusal(other.getvalue()) == r.NOT_A_LIST


def test_external_entities_are_not_followed() -> None:
    good = workbook(("Sheet1", [HEAD, AN]))
    hostile = (
        b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
        b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>&a;</t></si></sst>'
    )
    laughs = hostile.replace(b'SYSTEM "file:///etc/passwd"', b'"ha"')
    for part in (hostile, laughs):
        for name in ("xl/worksheets/sheet1.xml", "xl/workbook.xml", "xl/_rels/workbook.xml.rels"):
            assert refusal(with_part(good, name, part)) in (r.MACROS, r.DAMAGED), name


def test_bombs_take_no_memory() -> None:
    good = workbook(("Sheet1", [HEAD, AN]))
    row = b"<row><c t='inlineStr'><is><t>a</t></is></c></row>"
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%s</sheetData></worksheet>'
    million = with_part(good, "xl/worksheets/sheet1.xml", sheet % (row * 1_000_000))
    many = with_part(good, "xl/worksheets/sheet1.xml", sheet % (row * 60_000))
    far = with_part(
        good,
        "xl/worksheets/sheet1.xml",
        sheet % b'<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>a</t></is></c></row>',
    )
    zeros = with_part(good, "xl/media/image1.png", bytes(60 << 20))
    words = with_part(good, "xl/sharedStrings.xml", bytes(20 << 20))
    assert len(zeros) < 100_000
    tracemalloc.start()
    try:
        for bomb in (zeros, words, million):
            assert refusal(bomb) == r.TOO_LARGE
        for bomb in (many, far):
            assert refusal(bomb) == r.TOO_MANY
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
    finally:
        tracemalloc.stop()
