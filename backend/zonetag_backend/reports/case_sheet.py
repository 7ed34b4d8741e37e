"""Lists of a case, of rows made once, and as a workbook.  Times are those of the site, as Excel keeps them."""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from zonetag_backend.reports.trace_xlsx import safe
from zonetag_backend.store.case_story import Contact
from zonetag_backend.tracing.outcome import Who, Zone

Cell = str | int | float | datetime
TIME_FORMAT = "dd/mm/yyyy hh:mm"
PERCENT_FORMAT = "0%"
MOST_SURE = 0.99
WIDEST, NARROWEST = 40, 10  # characters of a column


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list."""

    title: str
    headers: tuple[str, ...]
    rows: list[list[Cell]]
    percent: frozenset[int]
    # columns that are probabilities


def contact_rows(
    contacts: Iterable[Contact], zone: tzinfo, evidence: dict[str, str], sure: dict[float, str]
) -> list[list[Cell]]:
    """A row a day of each contact: generation, name, unit, code, through, evidence, from, to, places, minutes, low,
    high, probability that day, of the contact, in words, of the chain.  `evidence`: words by code; `sure`: words by
    least probability.
    """
    rows: list[list[Cell]] = []
    for each in contacts:
        word = next(sure[least] for least in sorted(sure, reverse=True) if round(each.probability, 2) >= least)
        for day in each.days:
            row: list[Cell] = [f"F{each.generation}", *_who(each.who), safe(_called(each.through))]
            row += [evidence[day.evidence], at(day.first_ms, zone), at(day.last_ms, zone), safe(", ".join(day.places))]
            row += [day.minutes, day.low, day.high, _unsure(day.probability)]
            rows.append([*row, _unsure(each.probability), word, _unsure(each.chain)])
    return rows


def _unsure(probability: float) -> float:
    """As the pages say it: never certain, so that a spreadsheet does not show 100%."""
    return min(round(probability, 3), MOST_SURE)


def place_rows(zones: Iterable[Zone], zone: tzinfo, sites: Mapping[str, str]) -> list[list[Cell]]:
    """A row for each person at each stop: site, place, case from, case to, name, unit, code, from, to.

    `sites`: what people call a site, by its name.
    """
    rows: list[list[Cell]] = []
    for stop in zones:
        head: list[Cell] = [safe(sites.get(stop.site, stop.site)), safe(stop.place)]
        head += [at(stop.start_ms, zone), at(stop.end_ms, zone)]
        rows += [[*head, *_who(o.who), at(o.start_ms, zone), at(o.end_ms, zone)] for o in stop.others] or [head]
    return rows


def workbook(sheets: Sequence[Sheet]) -> bytes:
    """A workbook whose heads stay in sight and are printed on every page, fit to the width of A4 across."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for each in sheets:
        sheet = book.create_sheet(each.title)
        assert isinstance(sheet, Worksheet)  # not one that only writes
        sheet.append([safe(header) for header in each.headers])
        for row in each.rows:
            sheet.append(row)
        _form(sheet, each)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _form(sheet: Worksheet, of: Sheet) -> None:
    sheet.freeze_panes = "A2"
    sheet.print_title_rows = "1:1"
    sheet.auto_filter.ref = sheet.dimensions
    sheet.page_setup.orientation = "landscape"
    sheet.page_setup.paperSize = "9"  # A4
    sheet.page_setup.fitToHeight = 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    for number, column in enumerate(sheet.iter_cols(), 0):
        widest = NARROWEST
        for cell in column:
            if isinstance(cell.value, datetime):
                cell.number_format = TIME_FORMAT
                widest = max(widest, len(TIME_FORMAT))
            elif cell.row > 1 and number in of.percent:
                cell.number_format = PERCENT_FORMAT
            else:
                widest = max(widest, min(WIDEST, len(str(cell.value or "")) + 2))
            if cell.row == 1:
                cell.font = Font(bold=True)
        sheet.column_dimensions[column[0].column_letter].width = widest


def at(utc_ms: int, zone: tzinfo) -> datetime:
    """The site's time, without a zone, as a spreadsheet has it; to the minute."""
    return datetime.fromtimestamp(utc_ms // 60_000 * 60, UTC).astimezone(zone).replace(tzinfo=None)


def _who(who: Who) -> list[Cell]:
    return [safe(who.name), safe(who.unit), safe(who.code)]


def _called(who: Who) -> str:
    return f"{who.name} ({who.code})" if who.code else who.name
