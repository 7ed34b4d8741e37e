"""Papers with rows, read from the store: each once, for PDF, XLSX, CSV and JSON alike."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from zonetag_backend.names import sort_key
from zonetag_backend.reports import csv_file, pdf, xlsx_file
from zonetag_backend.reports.letterhead import Letter, Letterhead
from zonetag_backend.reports.notice import ILLNESSES
from zonetag_backend.reports.table import CLOCK, DATE, NUMBER, TIME, Cell, Column, Paper, Table, number
from zonetag_backend.reports.words import word
from zonetag_backend.store import adoption, case_story, cases, papers
from zonetag_backend.store.adoption import Unit
from zonetag_backend.store.book import Site, Stay, stays_of_day
from zonetag_backend.store.case_story import Contact
from zonetag_backend.store.engine import Transaction
from zonetag_backend.store.retention import horizon_ms
from zonetag_backend.store.tracing import timezone

RENDERERS: dict[str, Callable[[Paper], bytes]] = {
    "pdf": pdf.render,
    "xlsx": xlsx_file.render,
    "csv": csv_file.render,
}
FORMS = tuple(RENDERERS)
MOST_SURE = 99  # per cent: nothing that is told by signals is certain, and a page says "> 99%"


@dataclass(frozen=True, slots=True)
class Desk:
    """What every paper needs to know."""

    head: Letterhead
    retention_days: int
    language: str
    now_ms: int

    @property
    def floor_ms(self) -> int:
        """What ended before this is on no paper any more."""
        return horizon_ms(self.now_ms, self.retention_days)

    def word(self, name: str, /, **values: object) -> str:
        """A text of a paper."""
        return word(self.language, name, **values)

    def column(self, name: str, kind: str = "text", weight: float = 1.0) -> Column:
        """A column whose head is the word of its name."""
        return Column(name, self.word(name), kind, weight)

    def kept(self, day: date) -> date:
        """Until when what was heard on a day is kept."""
        return day + timedelta(days=self.retention_days)


def local(at_ms: int, zone: tzinfo) -> datetime:
    """On the clocks of a site, naive, to the second."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).astimezone(zone).replace(tzinfo=None)


def day_span(day: date, zone: tzinfo) -> range:
    """A day of a site, UTC ms."""
    first, after = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return range(int(first.timestamp()) * 1000, int(after.timestamp()) * 1000)


def book(desk: Desk, connection: Transaction, site: Site, day: date) -> Paper:
    """Everybody's stays on a day, by name."""
    span = day_span(day, site.zone)
    span = range(max(span.start, desk.floor_ms), span.stop)  # what is past its time is printed no more
    stays = _by_name(stays_of_day(connection, site, span, desk.now_ms) if span else [])
    came = {stay.person for stay in stays if stay.person is not None}
    inside = {stay.person for stay in stays if stay.inside}
    rows = tuple(
        (
            position,
            _name(desk, stay),
            stay.unit,
            stay.code,
            stay.tag_number,
            local(stay.came_ms, site.zone),
            desk.word("inside") if stay.inside else local(stay.last_ms, site.zone),
            stay.place,
        )
        for position, stay in enumerate(stays, 1)
    )
    columns = (
        desk.column("no", NUMBER, 0.6),
        desk.column("name", weight=2.6),
        desk.column("unit", weight=2.2),
        desk.column("code", weight=1.1),
        desk.column("tag", weight=1.1),
        desk.column("came", TIME),
        desk.column("left", TIME),
        desk.column("place", weight=1.6),
    )
    facts = (
        desk.word("book-day", site=site.title, day=f"{day:%d/%m/%Y}"),
        desk.word("book-count", came=number(len(came), desk.language), left=number(len(came - inside), desk.language)),
    )
    table = Table(desk.word("book"), columns, rows)
    return Paper(
        f"book-{site.name}-{day}",
        desk.language,
        desk.head,
        table,
        local(desk.now_ms, site.zone),
        day,
        facts,
        desk.word("book-none"),
        desk.kept(day),
        (desk.word("keeper"),),
        landscape=True,
    )


def evacuation(desk: Desk, connection: Transaction, site: Site) -> Paper:
    """Who is inside now, by name, with a box to tick."""
    now = local(desk.now_ms, site.zone)
    stays = stays_of_day(connection, site, day_span(now.date(), site.zone), desk.now_ms, all_people=True)
    here = _by_name([stay for stay in stays if stay.inside])
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (n, "", _name(desk, stay), stay.unit, stay.tag_number, stay.place, local(stay.last_ms, site.zone))
        for n, stay in enumerate(here, 1)
    )
    columns = (
        desk.column("no", NUMBER, 0.6),
        desk.column("found", weight=0.8),
        desk.column("name", weight=2.6),
        desk.column("unit", weight=2.0),
        desk.column("tag", weight=1.1),
        desk.column("place", weight=1.6),
        desk.column("last", TIME),
    )
    people = len({stay.person for stay in here if stay.person is not None})
    facts = (
        desk.word("evacuation-at", site=site.title, at=f"{now:%H:%M %d/%m/%Y}"),
        desk.word("evacuation-count", people=number(people, desk.language)),
    )
    table = Table(desk.word("evacuation"), columns, rows)
    empty = desk.word("evacuation-none")
    return Paper(
        f"evacuation-{site.name}",
        desk.language,
        desk.head,
        table,
        now,
        now.date(),
        facts,
        empty,
        desk.kept(now.date()),
        (desk.word("warden"),),
    )


def case(desk: Desk, connection: Transaction, which: int) -> Paper:
    """Contacts of a case, generation by generation, as they were traced last.  NotFound without that case."""
    of = cases.case_of(connection, which, desk.floor_ms)
    zone = ZoneInfo(timezone(connection))
    contacts = sorted(case_story.contacts(connection, of, desk.floor_ms), key=_listed)
    touches = [(each, touch) for each in contacts for touch in each.days]
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            n,
            f"F{each.generation}",
            each.who.name or desk.word("removed"),
            each.who.unit,
            each.who.code,
            each.through.name or desk.word("removed"),
            local(touch.day_ms, zone).date(),
            local(touch.first_ms, zone),
            local(touch.last_ms, zone),
            round(touch.minutes),
            desk.word("direct" if touch.evidence == "direct" else "same-place"),
            min(MOST_SURE, round(touch.probability * 100)),
            min(MOST_SURE, round(each.probability * 100)),
        )
        for n, (each, touch) in enumerate(touches, 1)
    )
    columns = (
        desk.column("no", NUMBER, 0.6),
        desk.column("generation", weight=0.8),
        desk.column("name", weight=2.6),
        desk.column("unit", weight=2.0),
        desk.column("code", weight=1.0),
        desk.column("through", weight=2.2),
        desk.column("day", DATE, 1.2),
        desk.column("first", CLOCK, 0.8),
        desk.column("until", CLOCK, 0.8),
        desk.column("minutes", NUMBER, 0.8),
        desk.column("evidence", weight=1.3),
        desk.column("probability", NUMBER),
        desk.column("overall", NUMBER),
    )
    illness = ILLNESSES.get(of.profile, {}).get(desk.language, of.profile)
    onset = f"{local(of.onset_ms, zone):%d/%m/%Y}"
    facts = (
        desk.word("case-who", name=of.name or desk.word("removed")),
        desk.word("case-day", illness=illness, basis=desk.word(of.basis), day=onset),
        *([desk.word("case-count", people=_generations(contacts))] if contacts else ()),
    )
    newest = max((local(touch.last_ms, zone).date() for _, touch in touches), default=local(of.opened_ms, zone).date())
    return Paper(
        f"case-{which}",
        desk.language,
        desk.head,
        Table(desk.word("case"), columns, rows),
        local(desk.now_ms, zone),
        facts=facts,
        empty=desk.word("case-none"),
        kept_until=desk.kept(newest),
        signs=(desk.word("health-officer"),),
        landscape=True,
    )


def _listed(each: Contact) -> tuple[object, ...]:
    # By name, as lists on paper are; the days of one contact one below the other.
    return each.generation, sort_key(each.who.name), each.who.code, each.who.id, sort_key(each.through.name)


def _generations(contacts: list[Contact]) -> str:
    """How many people: "12 F1, 30 F2"."""
    many = Counter(generation for generation, _ in {(each.generation, each.who.id) for each in contacts})
    return ", ".join(f"{many[generation]} F{generation}" for generation in sorted(many))


def adopted(desk: Desk, connection: Transaction, letter_number: str = "") -> Paper:
    """The use of tags by unit, as the annex of a letter upwards; counts alone, and nobody's name."""
    now = local(desk.now_ms, ZoneInfo(timezone(connection)))
    told = adoption.tally(connection, desk.now_ms)
    units, whole = told.units, told.whole
    beside = [each.beside for each in adoption.phones(connection) if each.beside is not None]

    def row(place: int | None, name: str, of: Unit) -> tuple[Cell, ...]:
        return (place, name, of.staff, of.issued, _percent(of.issued, of.staff), of.heard, of.flat, of.uncovered)

    columns = (
        desk.column("no", NUMBER, 0.6),
        desk.column("unit", weight=3.0),
        desk.column("staff", NUMBER),
        desk.column("issued", NUMBER),
        desk.column("share", NUMBER, 1.1),
        desk.column("heard", NUMBER, 1.2),
        desk.column("flat", NUMBER),
        desk.column("uncovered", NUMBER),
    )
    rows = tuple(row(n, of.name or desk.word("no-unit"), of) for n, of in enumerate(units, 1))
    total = row(None, desk.word("total"), whole) if rows else ()
    facts = (desk.word("adoption-at", at=f"{now:%d/%m/%Y}"),)
    return Paper(
        f"adoption-{now:%Y-%m-%d}",
        desk.language,
        desk.head,
        Table(desk.word("adoption"), columns, rows, total),
        now,
        facts=facts,
        empty=desk.word("adoption-none"),
        letter=_letter(desk.head, whole, now, max(beside, default=None), letter_number),
    )


def labels(desk: Desk, connection: Transaction, unit: str = "", only: str = "") -> Paper:
    """Tags of the register, by number."""
    found = papers.tags(connection, unit, only)
    now = local(desk.now_ms, ZoneInfo(timezone(connection)))
    columns = (
        desk.column("no", NUMBER, 0.6),
        desk.column("tag", weight=1.2),
        desk.column("name", weight=2.6),
        desk.column("unit", weight=2.2),
        desk.column("code", weight=1.2),
        desk.column("state", weight=1.2),
    )
    rows = tuple(
        (n, each.number, each.name, each.unit, each.code, desk.word(each.state)) for n, each in enumerate(found, 1)
    )
    table = Table(desk.word("labels"), columns, rows)
    empty = desk.word("labels-none")
    facts = (unit,) if unit else ()
    return Paper("labels", desk.language, desk.head, table, now, facts=facts, empty=empty)


def _letter(head: Letterhead, whole: Unit, now: datetime, phones: float | None, letter_number: str) -> Letter:
    """In Vietnamese, whatever the language: it goes to an office."""
    share = number(_percent(whole.issued, whole.staff), "vi")
    counts = {name: number(getattr(whole, name), "vi") for name in ("staff", "issued", "heard", "flat", "uncovered")}
    paragraphs = [
        f"Thực hiện việc triển khai thẻ đeo phục vụ phòng, chống dịch tại cơ quan, {head.name or 'cơ quan'} báo cáo"
        f" tình hình sử dụng thẻ tính đến ngày {now:%d} tháng {now.month} năm {now.year} như sau:",
        "Tổng số {staff} người; đã cấp thẻ cho {issued} người ({share}%); {heard} thẻ có tín hiệu trong 7 ngày qua;"
        " {flat} thẻ sắp hết pin; {uncovered} người chưa có thẻ.".format(share=share, **counts),
    ]
    if phones is not None:
        paragraphs.append(
            f"Ngoài ra, trạm thu ghi nhận bình quân nhiều nhất khoảng {number(phones, 'vi')} điện thoại cài đặt"
            " Bluezone cùng lúc tại một vị trí (chỉ đếm số lượng, không ghi nhận danh tính)."
        )
    paragraphs.append("Số liệu theo từng đơn vị được nêu tại Phụ lục kèm theo./.")
    return Letter("báo cáo tình hình sử dụng thẻ", tuple(paragraphs), letter_number)


def _percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def _by_name(stays: list[Stay]) -> list[Stay]:
    return sorted(stays, key=lambda each: (each.person is None, sort_key(each.name), each.code, each.came_ms))


def _name(desk: Desk, stay: Stay) -> str:
    return desk.word("nobody") if stay.person is None else stay.name or desk.word("removed")
