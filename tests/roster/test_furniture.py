"""Lists as offices print and sign them: what stands there beside people is nobody, and is named."""

from rig.rosters import people, workbook

from zonetag_backend.roster.reading import look

HEAD = ("TT", "Họ và tên", "Chức vụ", "Phòng, ban, đơn vị", "Mã CBCCVC")
TITLES = (("UBND QUẬN", None, None, "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"), (), ("DANH SÁCH CÁN BỘ, CÔNG CHỨC",), ())
FOOT = (
    (None, "Tổng cộng: 3 người"),
    (),
    (None, "NGƯỜI LẬP BIỂU", None, None, "THỦ TRƯỞNG ĐƠN VỊ"),
    (None, "(Ký, ghi rõ họ tên)", None, None, "(Ký tên, đóng dấu)"),
    (),
    (None, "Trần Thị Lập", None, None, "Lê Văn Trưởng"),
)


def test_a_signed_list_with_units_between() -> None:
    lines = (
        *TITLES,
        HEAD,
        ("(1)", "(2)", "(3)", "(4)", "(5)"),
        ("I", "LÃNH ĐẠO"),
        ("=A8+1", "Lê An", "Chủ tịch", "", "C1"),
        ("II.", "PHÒNG NỘI VỤ (2 người)"),
        (2, "Trần Bình", "", "", "C2"),
        (),
        HEAD,
        (3, "Võ Cúc"),
        (None, "Hồ Dần", "", "Phòng Nội vụ", "C4"),
        *FOOT,
    )
    looked = look(workbook(("DS CBCCVC", lines)))
    assert [(row.name, row.unit, row.code) for row in looked.rows] == [
        ("Lê An", "LÃNH ĐẠO", "C1"),
        ("Trần Bình", "PHÒNG NỘI VỤ", "C2"),
        ("Võ Cúc", "PHÒNG NỘI VỤ", ""),  # alone in their line, but numbered as people are
        ("Hồ Dần", "PHÒNG NỘI VỤ", "C4"),  # added without a number
    ]
    assert [(line.where, line.text) for line in looked.units] == [("7", "LÃNH ĐẠO"), ("9", "PHÒNG NỘI VỤ")]
    assert [line.text for line in looked.aside] == [
        "(1) · (2) · (3) · (4) · (5)",
        " · ".join(HEAD),
        "Tổng cộng: 3 người",
        "NGƯỜI LẬP BIỂU · THỦ TRƯỞNG ĐƠN VỊ",
        "(Ký, ghi rõ họ tên) · (Ký tên, đóng dấu)",
        "Trần Thị Lập · Lê Văn Trưởng",
    ]


def test_nobody_is_lost_in_a_list_without_numbers() -> None:
    lines = (("Họ và tên", "Mã số"), ("Lê An", ""), ("Tô Văn Tổng", ""), ("Phòng Tài chính", ""), ("Ban Thị Bê", "7"))
    looked = look(workbook(("Sheet1", lines)))
    assert [(row.name, row.unit) for row in looked.rows] == [
        ("Lê An", ""),
        ("Tô Văn Tổng", ""),
        ("Ban Thị Bê", "Phòng Tài chính"),
    ]
    assert [line.text for line in looked.units] == ["Phòng Tài chính"]


def test_classes_below_each_other_on_one_sheet() -> None:
    head = ("STT", "Mã học sinh", "Họ và", "Tên", "Ngày sinh")
    lines = (
        ("DANH SÁCH HỌC SINH LỚP 6A1",),
        ("Năm học 2026 - 2027", "", "GVCN: Trần Thị Hoa"),
        head,
        (1, 101, "Lê Thị", "An", "01/02/2014"),
        ("DANH SÁCH HỌC SINH LỚP 6A2",),
        ("Năm học 2026 - 2027",),
        head,
        (1, 102, "Võ Văn", "Bê", "03/04/2014"),
    )
    assert people(workbook(("DS học sinh", lines))) == [
        ("Lê Thị An", "6A1", "101", ""),
        ("Võ Văn Bê", "6A2", "102", ""),
    ]


def test_a_family_name_under_any_head_is_not_lost() -> None:
    lines = (("STT", "Họ và tên lót của học sinh", "Tên"), (1, "Nguyễn Thị", "Ánh"))
    assert people(workbook(("6A", lines))) == [("Nguyễn Thị Ánh", "6A", "", "")]


def test_one_unit_has_one_spelling() -> None:
    units = ("Phòng Nội vụ", "PHÒNG NỘI VỤ", "Phòng Nội vụ", "Phòng Nội Vũ")
    lines = (("Họ tên", "Phòng/ban"), *((f"Lê {n}A", unit) for n, unit in enumerate(units)))
    assert [row.unit for row in look(workbook(("Sheet1", lines))).rows] == [*("Phòng Nội vụ",) * 3, "Phòng Nội Vũ"]
