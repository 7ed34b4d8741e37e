"""A trace as a workbook: contacts, and places with their hours.  Times are those of the site, as Excel keeps them."""

from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from zonetag_backend.errors import BadValue
from zonetag_backend.tracing.outcome import Outcome, Who

# Names begin a cell, and a name that begins like a formula must not become one (CWE-1236).
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_CONTACTS = (
    "Generation", "Name", "Unit", "Code", "Through", "Evidence", "From", "To", "Places", "Minutes together",
    "Minutes close", "Low (90 %)", "High (90 %)", "Probability that day", "Probability of the contact",
    "Probability of the chain",
)  # fmt: skip
_PLACES = ("Site", "Place", "Case from", "Case to", "Name", "Unit", "Code", "From", "To")
_WIDTH = 18  # characters of a column


def write_xlsx(of: Outcome, path: Path) -> None:
    """Write the workbook; BadValue when the file cannot be written."""
    zone = ZoneInfo(of.timezone)
    book = Workbook()
    contacts = book.active
    assert isinstance(contacts, Worksheet)  # a new workbook has one sheet
    contacts.title = "Sources" if of.backward else "Contacts"
    contacts.append(_CONTACTS)
    for each in of.found:
        for day in each.days:
            row = [each.generation, *_who(each.who), safe(_called(each.through)), day.evidence]
            row += [_at(day.first_ms, zone), _at(day.last_ms, zone), safe(", ".join(day.places))]
            row += [day.together_minutes, day.close_minutes, day.close_low, day.close_high, day.probability]
            contacts.append([*row, each.probability, each.chain_probability])
    places = book.create_sheet("Places")
    places.append(_PLACES)
    for stop in of.zones:
        head = [stop.site, safe(stop.place), _at(stop.start_ms, zone), _at(stop.end_ms, zone)]
        if not stop.others:
            places.append(head)
        for other in stop.others:
            places.append([*head, *_who(other.who), _at(other.start_ms, zone), _at(other.end_ms, zone)])
    for sheet in (contacts, places):
        sheet.freeze_panes = "A2"
        for cell in next(sheet.iter_rows(max_row=1)):
            sheet.column_dimensions[cell.column_letter].width = _WIDTH
    try:
        book.save(path)
    except OSError as error:
        raise BadValue(f"cannot write {path}: {error.strerror}. Choose another place.") from error


def safe(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _who(who: Who) -> list[str]:
    return [safe(who.name), safe(who.unit), safe(who.code)]


def _called(who: Who) -> str:
    return f"{who.name} ({who.code})" if who.code else who.name


def _at(utc_ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(utc_ms // 1000, UTC).astimezone(zone).replace(tzinfo=None)
