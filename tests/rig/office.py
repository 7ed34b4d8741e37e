"""An office filled by hand through the tables, for tests of the pages.  Times are of Friday 20 November 2026, UTC+7."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rig.databases import new_database
from sqlalchemy import Engine, insert, update

from zonetag_backend.store import name_forms, registry, schema
from zonetag_backend.store.engine import writing

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
ABSENCE_S = 600


def at(clock: str, day: int = 20) -> int:
    """UTC in ms of "HH:MM" in the office."""
    hour, minute = clock.split(":")
    return int(datetime(2026, 11, day, int(hour), int(minute), tzinfo=ZONE).timestamp() * 1000)


@dataclass
class Office:
    """A database with a site, two places and a gateway at each; `now` is moved by hand."""

    engine: Engine
    now: int = at("14:30")
    places: dict[str, int] = field(default_factory=dict)
    tags: int = 0

    def clock(self) -> int:
        """What the pages take as the clock."""
        return self.now

    def place(self, name: str, kind: str = "room") -> None:
        with writing(self.engine) as connection:
            self.places[name] = registry.add_place(connection, "van-phong", name, kind)

    def tag(self, number: str = "") -> int:
        """A tag that nobody wears yet."""
        self.tags += 1
        with writing(self.engine) as connection:
            connection.execute(
                insert(schema.tag).values(
                    id=self.tags,
                    number=number or f"A-{self.tags:03}",
                    kind="zonetag",
                    sealed_key=b"sealed",
                    state="active",
                    added_ms=0,
                )
            )
        return self.tags

    def wear(self, tag: int, person: int, since: int = 0, until: int | None = None) -> None:
        with writing(self.engine) as connection:
            connection.execute(insert(schema.wearing).values(tag=tag, person=person, since_ms=since, until_ms=until))

    def person(self, name: str, unit: str = "", code: str | None = None) -> tuple[int, int]:
        """A person with a tag of their own: (person, tag)."""
        with writing(self.engine) as connection:
            person = registry.add_person(connection, "x", unit, code)
            # Names that the registry would not take may stand in an older database, and must be shown safely too.
            name_forms.rename(connection, person, name, unit, code)
        tag = self.tag()
        self.wear(tag, person)
        return person, tag

    def visit(self, tag: int, came: int, last: int, corrected: int | None = None) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                insert(schema.visit).values(
                    site="van-phong", came_ms=came, tag=tag, last_ms=last, corrected_ms=corrected
                )
            )

    def heard_on(self, tag: int, last: int) -> None:
        """The tag's latest visit goes on until `last`."""
        with writing(self.engine) as connection:
            connection.execute(update(schema.visit).where(schema.visit.c.tag == tag).values(last_ms=last))

    def correction(self, tag: int, at_ms: int, came: int, last: int) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                insert(schema.visit_correction).values(
                    id=registry.new_id(), site="van-phong", tag=tag, at_ms=at_ms, came_ms=came, last_ms=last
                )
            )

    def presence(self, tag: int, place: str, start: int, end: int) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                insert(schema.presence).values(place=self.places[place], start_ms=start, tag=tag, end_ms=end)
            )

    def gateway_status(self, name: str, online: bool, health: str, refused: int = 0) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                insert(schema.gateway_status).values(
                    gateway=name,
                    site="van-phong",
                    online=online,
                    state_ms=self.now - 600_000,
                    health=health,
                    health_ms=self.now - 20_000,
                    refused=refused,
                    broken=0,
                )
            )

    def report(self, gateway: str, received: int, synchronised: bool = True) -> None:
        with writing(self.engine) as connection:
            connection.execute(
                insert(schema.report).values(
                    gateway=gateway,
                    boot=1 << 32,
                    seq=received,
                    utc_ms=received,
                    monotonic_ms=1,
                    synchronised=synchronised,
                    received_ms=received,
                    windows=3,
                    hash=bytes(32),
                    previous=bytes(32),
                )
            )

    def rejected(self, gateway: str, reason: str, windows: int, start: int) -> None:
        """`windows` counted, one of them still kept."""
        with writing(self.engine) as connection:
            connection.execute(insert(schema.rejected_total).values(gateway=gateway, reason=reason, windows=windows))
            connection.execute(
                insert(schema.rejected).values(
                    gateway=gateway,
                    boot=1 << 32,
                    seq=start,
                    row=0,
                    reason=reason,
                    start_ms=start,
                    span_ms=4000,
                    eid=bytes(range(8)),
                    auth=bytes(6),
                    count=12,
                    rssi_max=-61,
                )
            )


def new_office(folder: Path, url: str = "") -> Office:
    """A site with an entrance and a room, a gateway at the entrance, and nobody yet.

    `url`: of an empty database, to be opened as the programs do; else it is a file of that folder.
    """
    office = Office(new_database(folder / "zonetag.db", url))
    with writing(office.engine) as connection:
        registry.add_site(connection, "van-phong", "Văn phòng Sở Thông tin", "Asia/Ho_Chi_Minh", ABSENCE_S)
    office.place("Cửa chính", "entrance")
    office.place("Phòng họp")
    with writing(office.engine) as connection:
        registry.add_gateway(connection, "gw-cua", "van-phong", "Cửa chính", at("07:00"))
        registry.add_gateway(connection, "gw-hop", "van-phong", "Phòng họp", at("07:00"))
    return office
