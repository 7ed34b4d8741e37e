"""Forty people of a commune's office, with names as they are in Vietnam, and their units."""

from dataclasses import dataclass

from zonetag_backend.simulate.dice import dice

_FAMILY = (
    "Nguyễn",
    "Trần",
    "Lê",
    "Phạm",
    "Hoàng",
    "Huỳnh",
    "Phan",
    "Vũ",
    "Võ",
    "Đặng",
    "Bùi",
    "Đỗ",
    "Hồ",
    "Ngô",
    "Dương",
)
_MIDDLE = ("Thị", "Văn", "Minh", "Thanh", "Ngọc", "Đức", "Hữu", "Quang", "Thu", "Kim")
_GIVEN = (
    "An", "Ánh", "Bình", "Châu", "Cường", "Diệp", "Dũng", "Đạt", "Giang", "Hà", "Hải", "Hạnh", "Hiếu", "Hoa", "Hùng",
    "Hương", "Khánh", "Lan", "Linh", "Long", "Mai", "Nam", "Nga", "Nhung", "Oanh", "Phúc", "Phương", "Quân", "Quỳnh",
    "Sơn", "Tâm", "Thảo", "Thắng", "Trang", "Trung", "Tuấn", "Uyên", "Vân", "Việt", "Yến",
)  # fmt: skip  # a word a line would be forty lines
UNITS = ("Văn phòng", "Một cửa", "Kế toán", "Tư pháp", "Địa chính", "Y tế")


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff."""

    name: str
    # family name first
    unit: str
    code: str
    # the office's own staff number


def people(seed: int, count: int) -> list[Person]:
    """`count` people; no two have the same name up to 40, and no given name twice."""
    roll = dice(seed, "people")
    given = [_GIVEN[i % len(_GIVEN)] for i in roll.permutation(max(count, len(_GIVEN)))[:count]]
    return [
        Person(f"{roll.choice(_FAMILY)} {roll.choice(_MIDDLE)} {name}", UNITS[i % len(UNITS)], f"NV{i + 1:03d}")
        for i, name in enumerate(given)
    ]
