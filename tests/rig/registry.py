"""A registry with tags, places and their gateways, in a database of its own."""

from dataclasses import dataclass, field
from pathlib import Path

from rig.databases import new_database
from rig.reports import NOW_MS, Tag, sealed, signing_key
from sqlalchemy import inspect

from zonetag_backend.ingest import Ingest
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.keys import Keyring
from zonetag_backend.store import registry, signing_keys, tags
from zonetag_backend.store.came import Came, ReportCame
from zonetag_backend.store.engine import Database, reading, writing
from zonetag_backend.store.writer import Done, Writer
from zonetag_protocol import advert, envelope, report
from zonetag_protocol.report import Report

ABSENCE_S = 900
HOUR_MS = 3_600_000
T0 = tags.FIRST_SECOND


@dataclass
class Office:
    """Site hq with gateways gw1 and gw2 at the door, gw3 in a room; site annex with gw4 at its gate."""

    database: Database
    keyring: Keyring
    folder: Path
    enrolled: bool = False
    # whether its gateways sign; else their word is taken
    tags: dict[int, Tag] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.database.url.render_as_string(hide_password=False)

    def add_tag(
        self, number: str, *, kind: str = advert.ZONETAG, ppm: float = 0.0, at_ms: int = NOW_MS - HOUR_MS
    ) -> int:
        """A tag whose clock started at T0 at `at_ms`, as its card says; its id."""
        with writing(self.database) as connection:
            new = tags.add_tag(connection, self.keyring, number, at_ms, kind=kind, t0=T0)
        self.tags[new.id] = Tag(new.master, at_ms - T0 * 1000, ppm)
        return new.id

    def tag(self, which: int) -> Tag:
        return self.tags[which]

    def writer(self, search_epochs: int = 3) -> Writer:
        """A backend's writer that has just started."""
        ingest = Ingest(self.keyring.open, search_epochs, 300_000)
        return Writer(self.database, ingest, allow_unsigned=not self.enrolled)

    def enrol(self, name: str) -> None:
        """A gateway signs from now on, with its key of the tests."""
        with writing(self.database) as connection:
            signing_keys.take(connection, name, signing_key(name).public_key().public_bytes_raw(), 0)

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        with reading(self.database) as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def tables(self, prefix: str = "") -> list[str]:
        """Those of the database whose names begin so."""
        return sorted(name for name in inspect(self.database).get_table_names() if name.startswith(prefix))

    def number(self, sql: str) -> int:
        [(value,)] = self.rows(sql)
        assert isinstance(value, int)
        return value


def came(made: Report, site: str = "hq") -> Came:
    opened = envelope.take_apart(sealed(made))
    return ReportCame(site, made, report.hash_of(opened.payload), opened)


def take(writer: Writer, *reports: Report, now_ms: int = NOW_MS + HOUR_MS, site: str = "hq") -> Done:
    """Write reports in one transaction."""
    return writer.write([came(made, site) for made in reports], now_ms)


def make_office(folder: Path, *, enrolled: bool = False, url: str = "") -> Office:
    """An office in a folder; whoever asks disposes of its database.  `enrolled`: its gateways have signing keys.

    `url`: of an empty database, to be opened as the programs do; else it is a file of that folder.
    """
    folder.mkdir(exist_ok=True)
    office = Office(new_database(folder / "zonetag.db", url), open_key_file(folder / "tag-keys.key"), folder, enrolled)
    with writing(office.database) as connection:
        for site, places in (("hq", ("Door", "Room")), ("annex", ("Gate",))):
            registry.add_site(connection, site, absence_s=ABSENCE_S)
            for place in places:
                registry.add_place(connection, site, place)
        for name, site, place in (
            ("gw1", "hq", "Door"),
            ("gw2", "hq", "Door"),
            ("gw3", "hq", "Room"),
            ("gw4", "annex", "Gate"),
        ):
            registry.add_gateway(connection, name, site, place, 0)
    if enrolled:
        for name in ("gw1", "gw2", "gw3", "gw4"):
            office.enrol(name)
    return office
