"""`/people/import`: a roster is looked at row by row, then taken over in one transaction."""

import json
import secrets
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.names import printable
from zonetag_backend.roster import columns, telling
from zonetag_backend.roster import plan as planning
from zonetag_backend.roster import reading as roster
from zonetag_backend.roster import rows as r
from zonetag_backend.roster import template as blank
from zonetag_backend.roster.plan import Plan
from zonetag_backend.roster.reading import Looked
from zonetag_backend.roster.rows import Refused, Row
from zonetag_backend.roster.telling import Stopped, Tell
from zonetag_backend.store import rosters
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show, wants_json
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.works import Work

SHOWN_GOOD = 200  # rows without problems that the page shows
SHOWN_HEADS = 50  # of columns that are not read, and of lines that are no people
COLUMNS = {
    columns.NAME: _("Name"),
    columns.FAMILY: _("Family and middle name"),
    columns.GIVEN: _("Given name"),
    columns.UNIT: _("Unit"),
    columns.CODE: _("Staff number"),
    columns.TAG: _("Tag"),
}

# Column -> some of the heads that are known, as offices write them; a test reads each.
EXAMPLES = {
    columns.NAME: "Họ và tên, Họ tên, Full name",
    columns.FAMILY: "Họ đệm, Họ và tên đệm, Family name",
    columns.GIVEN: "Tên, Given name",
    columns.UNIT: "Đơn vị, Phòng, Phòng ban, Bộ phận, Lớp, Unit, Department, Class",
    columns.CODE: "Mã số, Mã NV, Mã cán bộ, Mã học sinh, Staff number",
    columns.TAG: "Số thẻ, Mã thẻ, Tag number",
}
REFUSALS = {
    r.EMPTY: _("Nobody stands in this file."),
    r.TOO_LARGE: _("This file is too large, or unpacks to too much. A list of 20,000 people needs less than 4 MB."),
    r.TOO_MANY: _("This file has more than 20,000 rows. Import it in parts, without empty rows."),
    r.MACROS: _("This file holds macros, embedded files or references to elsewhere. Save it as a plain XLSX or CSV."),
    r.OLD_EXCEL: _("This is an Excel file of the old kind (.xls), or it has a password. Save it as XLSX or CSV."),
    r.NOT_A_LIST: _("This is no XLSX and no CSV."),
    r.DAMAGED: _("This file is damaged. Open it in a spreadsheet and save it again."),
    r.NO_HEAD: _("No row says where the names are. Put a row above the list, with “Họ và tên” or “Full name”."),
}
PROBLEMS = {
    r.NO_NAME: _("The name is missing."),
    r.BAD_NAME: _("The name is too long, or has characters that cannot be printed."),
    r.BAD_UNIT: _("The unit is too long, or has characters that cannot be printed."),
    r.BAD_CODE: _("The staff number is too long, or has characters that cannot be printed."),
    r.FORMULA: _("A formula stands here: put its value in its place."),
    r.TWICE: _("Stands in this file already, in row %(about)s."),
    r.AMBIGUOUS: _("%(about)s people in the register have this name and unit: give the staff number."),
    r.CODE_TAKEN: _("This staff number belongs to %(about)s."),
    r.TAG_UNKNOWN: _("There is no tag %(about)s."),
    r.TAG_WORN: _("%(about)s wears this tag."),
    r.TAG_TWICE: _("This tag stands in this file already, in row %(about)s."),
    r.TAG_UNFIT: _("Tag %(about)s is lost, out of use, or kept for visitors."),
}
STOPPED = _("Stopped: nothing has been changed.")
STAGES = {
    "": _("Waiting for its turn…"),
    telling.READ: _("Rows read: %(done)s"),
    telling.CHECK: _("Rows held against the register: %(done)s of %(total)s"),
    telling.WRITE: _("Rows written: %(done)s of %(total)s"),
}
LONGEST_S = 600  # that a form which was sent twice waits for the first
CHANGED = _("The register has changed since. Look at the list again.")


def importing(request: Request) -> Response:
    """An empty form; a sent file is looked at, and what was looked at is taken over."""
    if request.method != "POST":
        return _show(request)
    if field(request, "rows"):
        return _take_over(request)
    file = form_of(request).get("file")
    if not isinstance(file, UploadFile):
        raise Fault("bad-form", 400)
    desk, by = desk_of(request), visitor_of(request).actor
    work = desk.works.begin(field(request, "work"), by) or Work(by)
    try:
        looked = roster.look(file.file.read(roster.MOST_BYTES + 1), work.tell)
        with reading(desk.engine) as connection:
            plan = _plan(connection, looked.rows, work.tell)
    except Refused as refused:
        return _show(request, error=REFUSALS[refused.code])
    except Stopped:
        return _show(request, error=STOPPED)
    finally:
        work.over.set()
    return _show(request, plan, looked=looked)


def _take_over(request: Request) -> Response:
    desk, now_ms, key = desk_of(request), desk_of(request).clock(), field(request, "work")
    by, required = visitor_of(request).actor, desk.subjects.consent_required
    rows, taken = _rows(field(request, "rows")), None
    work = desk.works.begin(key, by)
    if work is None:
        return _same(request, desk.works.find(key, by))
    try:
        rosters.prepare(rows)
        with writing(desk.engine) as connection:
            plan = _plan(connection, rows, work.tell)
            if plan.digest == field(request, "digest"):
                taken = rosters.take_over(
                    connection, desk.keys, plan, now_ms, by, consent_required=required, tell=work.tell
                )
        if taken is not None:
            work.where = f"/people?{urlencode(asdict(taken))}"
    except Stopped:
        return _show(request, error=STOPPED)
    finally:
        work.over.set()
    return RedirectResponse(work.where, 303) if work.where else _show(request, plan, CHANGED)


def _same(request: Request, work: Work | None) -> Response:
    """A form that was sent twice is done once; both are answered alike."""
    if work is not None and work.over.wait(LONGEST_S) and work.where:
        return RedirectResponse(work.where, 303)
    return _show(request, error=STOPPED)


def work(request: Request) -> Response:
    """How far a list is (`/people/import/WORK`); field `act`=stop: it is wanted no more."""
    text = request.path_params["work"]
    found = desk_of(request).works.find(text, visitor_of(request).actor)
    known = found is not None
    if found is None:
        if request.method == "POST" or not wants_json(request):
            raise Fault("no-work", 404)
        found = Work("")  # a form on its way asks before it has arrived
    if request.method == "POST":
        if field(request, "act") != "stop":
            raise Fault("bad-form", 400)
        found.stopping = True
        return RedirectResponse(f"/people/import/{text}", 303)
    twin = {"known": known, "stage": found.stage, "done": found.done, "total": found.total}
    twin |= {"stopping": found.stopping, "over": found.over.is_set()}
    return show(request, "import-work", lambda: twin, work=found, key=text, stages=STAGES)


def _plan(connection: Transaction, rows: list[Row], tell: Tell) -> Plan:
    return planning.plan(rows, rosters.known_people(connection), rosters.known_tags(connection), tell)


def _rows(text: str) -> list[Row]:
    """The rows as the preview wrote them.  Fault for what it did not."""
    try:
        found = [Row(*each) for each in json.loads(text)]
        if len(found) > r.MOST_ROWS or not all(_typed(row) for row in found):
            raise Fault("bad-form", 400)
    except (ValueError, TypeError, RecursionError):
        raise Fault("bad-form", 400) from None
    return found


def _typed(row: Row) -> bool:
    texts = (row.sheet, row.name, row.unit, row.code, row.tag)
    return all(isinstance(text, str) for text in texts) and isinstance(row.line, int) and isinstance(row.formula, bool)


def _show(request: Request, plan: Plan | None = None, error: str = "", looked: Looked | None = None) -> Response:
    steps = plan.steps if plan else ()
    wrong = [step for step in steps if step.problems]
    good = [step for step in steps if not step.problems]
    rows = [[s.row.sheet, s.row.line, s.row.name, s.row.unit, s.row.code, s.row.tag, s.row.formula] for s in steps]
    return show(
        request,
        "import",
        lambda: _twin(plan, looked),
        400 if error not in ("", STOPPED) else 200,  # who stops it is answered as they asked
        plan=plan,
        looked=looked,
        columns=COLUMNS,
        examples=EXAMPLES,
        shown_heads=SHOWN_HEADS,
        wrong=wrong,  # every one: nothing is to be found out afterwards
        good=good[:SHOWN_GOOD],
        good_count=len(good),
        work=len(good) - (plan.count(planning.SAME) if plan else 0),
        rows=json.dumps(rows, ensure_ascii=False, separators=(",", ":")),
        problems=PROBLEMS,
        printable=printable,
        what={planning.NEW: _("is entered"), planning.CHANGE: _("changes"), planning.SAME: _("as it is")},
        error=error,
        stages=STAGES,
        work_key=secrets.token_hex(8),
    )


def _twin(plan: Plan | None, looked: Looked | None) -> dict[str, Any]:
    return {
        "columns": dict(looked.read) if looked else {},
        "ignored": list(looked.ignored) if looked else [],
        "units": [{"at": line.where, "unit": line.text} for line in looked.units] if looked else [],
        "aside": [{"at": line.where, "text": line.text} for line in looked.aside] if looked else [],
        "rows": [
            {
                "sheet": step.row.sheet,
                "line": step.row.line,
                "name": step.row.name,
                "unit": step.row.unit,
                "code": step.row.code,
                "tag": step.row.tag,
                "what": step.what,
                "problems": [code for code, _about in step.problems],
            }
            for step in (plan.steps if plan else ())
        ],
    }


def template(request: Request) -> Response:
    """The workbook to fill in."""
    headers = {"Content-Disposition": 'attachment; filename="zonetag-danh-sach.xlsx"'}
    return Response(blank.template(), media_type=blank.KIND, headers=headers)
