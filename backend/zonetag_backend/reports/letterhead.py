"""The head and foot of an office's papers, in the form of Decree 30/2020/ND-CP, annex I.  Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

MOTTO = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
MOTTO_LINE = "Độc lập - Tự do - Hạnh phúc"
BLANK = "........"  # where the office's registry writes the number by hand


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Settings `[office]`: who writes."""

    name: str = ""
    parent: str = ""
    # the office above; may be empty
    place: str = ""
    # where letters are dated, as "Hà Nội"
    symbol: str = ""
    # of letters, after the number: "STTTT-VP"
    signer_title: str = ""
    signer: str = ""
    addressee: str = ""
    # to whom the adoption report goes
    recipients: tuple[str, ...] = ()
    # who gets a copy ("Nơi nhận")
    link: str = ""
    # of the posters' QR code


@dataclass(frozen=True, slots=True)
class Letter:
    """An administrative letter (công văn)."""

    subject: str
    # after "V/v"
    paragraphs: tuple[str, ...]
    number: str = ""


def dated(place: str, day: date) -> str:
    """The place-date line: "Hà Nội, ngày 05 tháng 3 năm 2026"."""
    return f"{place or BLANK}, {in_words(day)}"


def in_words(day: date) -> str:
    """As letters write a day; days below 10 and months 1 and 2 bear a zero."""
    month = f"{day.month:02}" if day.month < 3 else str(day.month)
    return f"ngày {day.day:02} tháng {month} năm {day.year}"


def from_values(taken: Mapping[str, object]) -> Letterhead:
    """From settings that were checked before."""
    recipients = taken["office.recipients"]
    text = {name: str(taken[f"office.{name}"]) for name in _TEXTS}
    return Letterhead(**text, recipients=tuple(recipients) if isinstance(recipients, list) else ())


def _line(value: object) -> str:
    fits = isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST
    return "" if fits else f"text of one line, in quotes, of at most {_LONGEST} characters wanted"


def _lines(value: object) -> str:
    fits = isinstance(value, list) and len(value) <= _MOST and not any(_line(each) for each in value)
    return "" if fits else f'a list of at most {_MOST} lines wanted: ["Như trên", "Lưu: VT"]'


_LONGEST, _MOST = 200, 12
_TEXTS = ("name", "parent", "place", "symbol", "signer_title", "signer", "addressee", "link")

# Name -> (default, check), as in zonetag_backend.config.
SETTINGS: dict[str, tuple[object, Callable[[object], str]]] = {
    **{f"office.{name}": ("", _line) for name in _TEXTS},
    "office.recipients": (["Như trên", "Lưu: VT"], _lines),
}
