"""One walk through the commands, on SQLite and on PostgreSQL: both print, write and refuse the same, in the same order.

PostgreSQL's database sorts as Vietnamese offices do, SQLite by bytes: what hung on that would differ here.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from rig.postgresql import PostgreSQL
from rig.world import CELL_MS, DAY_MS, EPOCH_MS, HOUR_MS, MINUTE_MS
from sqlalchemy import select

from zonetag_backend.cli import COMMANDS, main
from zonetag_backend.clock import utc_ms
from zonetag_backend.store import rows, schema
from zonetag_backend.store.engine import connect, writing
from zonetag_backend.store.schema.contacts import contact_log
from zonetag_protocol.contact import CELLS

BEGIN_MS = (utc_ms() // DAY_MS - 3) * DAY_MS + 2 * HOUR_MS  # within retention by the clock that commands read; 09:00
DAY, UNTIL = (datetime.fromtimestamp((BEGIN_MS + n * DAY_MS) / 1000, UTC).date().isoformat() for n in (0, 1))
WITHOUT = {
    "battery",  # these three know no database
    "frame",
    "tap",
    "demo",  # tests/end_to_end/test_demo.py runs it on both
    "restore",  # tests/backend/test_postgresql.py: there and back
    "serve",
}
ROSTER = """Họ và tên;Đơn vị;Mã số;Số thẻ
Nguyễn Văn Ân;Phòng Kế toán;nv2;A-2
Đỗ Thị Ánh;Phòng Đào tạo;NV10;A1
Trần Êm;Phòng Ê;;a-3
Trần Em;phòng Đ;Đ-7;A-10
Trần Em;Phòng E;;
Lê Đức;Phòng E;1;Â-4
Lê Dũng;Phòng D;NV1;
Phạm Ái;Phòng Đ;nv1;
"""
# Words are cut at blanks; _ stands for one inside a word.
WALK = """
site add hq --title Trụ_sở --absence 600
site add hq-2 --title Đông
site add hq1 --title Êm
site add HQ
place add hq Đông
place add hq Ê
place add hq E --kind entrance
place add hq Đông
gateway add gw-2 --site hq --place Đông
gateway add gw1 --site hq --place E
gateway add gw-10 --site hq1
gateway add gw1 --site hq --place Ê
person add Hồ_Thị_Êm --unit Phòng_Ê
tag add A-2
tag add A1
tag add a-3 --key 00112233445566778899aabbccddeeff
tag add A-9 --key 00112233445566778899aabbccddeeff
tag add A-10
tag add Â-4 --eddystone --clock 5
tag give a-3 nobody
person import {folder}/roster.csv
person import {folder}/roster.csv --yes
person import {folder}/roster.csv
person add Người_khác --code NV10
site list
place list
person list
person list --json
tag list
tag list --json
tag take A1
tag lost A1
tag give A1 NV10
tag find A-10 --seconds 30
tag settings A-10 --look-every 4
tag update --all --firmware {folder}/roster.csv --version 1.2.3
tag update A1 --firmware {folder}/server.toml --version 1.2.3
tag links --json
tag retire A-10
tag key
!meet
trace NV10 --since {day} --until {until} --reason ill
trace NV10 --since {day} --until {until} --reason ill --json --at-least 0.02
trace NV10 --since {day} --until {until} --reason ill --backward --evidence place
trace NV10 --since {day} --until {until} --reason ill --xlsx {folder}/trace.xlsx
case open NV10 --day {day} --reason ill
case open nobody --day {day} --reason ill
case trace {case}
case list
case notify {case}
case notify 5
report case {case} --reason ill --csv {folder}/case.csv
case export {case} {folder}/case.zonetag
case import {folder}/case.zonetag --key {key} --reason asked
case close {case}
case list --json
door side gw1 inside
door log NV10 --since {day} --until {until} --reason asked
report book --site hq --day {day} --csv {folder}/book.csv
report book --day {day} --csv {folder}/none.csv
report evacuation --site hq --csv {folder}/evacuation.csv
report adoption --csv {folder}/adoption.csv
report labels --csv {folder}/labels.csv
report labels --names --unit Phòng_E --pdf {folder}/labels.pdf
report visitor --tag A1 --pdf {folder}/visitor.pdf
report poster lift --pdf {folder}/poster.pdf
report consent --pdf {folder}/consent.pdf
account add Đức --role admin
account add dung --role health
account add Ân --role auditor
account add DUNG --role reception
account disable Đức
account disable dung
account enable dung
account reset dung
account link --admin
account list
gateway enrol gw1
ca init --root-out {folder}/stick --passphrase-file {folder}/words
gateway enrol gw1
gateway enrol gw-3 --site hq --place Ô --kind room --hours 2
ca show
ca renew --root {folder}/stick --passphrase-file {folder}/words --new-key
broker config --out {folder}/broker --host broker.lan
gateway revoke gw1 --reason stolen
gateway list
gateway list --json
gateway command nowhere find-me
key show
key rotate
person erase NV10
person erase NV10 --yes --reason asked
tag list
retention --now
backup {folder}/backups
backup --new-key {folder}/private.pem --passphrase-file {folder}/words
backup {folder}/backups
backup {folder}/backups --list
audit list
audit list --action gateway.enrol --json
audit export --json
audit verify
audit verify --json
audit key
"""
# What commands say that others are given.
LEARNT = {"case": re.compile(r"Case (\d+)\."), "key": re.compile(r"by telephone say:\n(\w+)")}
# What differs between two walks on one database too.
DIFFERS = (
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC|to \d{4}-\d\d-\d\d \d\d:\d\d(?= \()"), "TIME"),
    (re.compile(r"until \d{4}-\d\d-\d\d, \d+ days|good until \S+"), "until DAY"),
    (re.compile(r"(start/|enrol https\S+ )\S+"), r"\1TOKEN"),
    (re.compile(r"zonetag-\S+\.ztb"), "BACKUP"),
    (re.compile(r"-----BEGIN.*-----END[^\n]*", re.DOTALL), "PEM"),
    (re.compile(r"(?<![.\w])\d{13,19}(?!\w)"), "NUMBER"),
    (re.compile(r"(?<![.\w])[0-9a-f]{8,}(?!\w)"), "HEX"),
    (re.compile(r" {2,}|---+"), "  "),  # a column is as wide as its widest number
)


class Walk:
    """The commands in a folder of their own, on one database."""

    def __init__(self, folder: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.url = url or f"sqlite:///{folder}/zonetag.db"
        self._capsys = capsys
        folder.mkdir(mode=0o700)
        (folder / "roster.csv").write_text(ROSTER)
        (folder / "words").write_text("correct horse battery staple\n")
        (folder / "words").chmod(0o600)
        (folder / "secret").write_text("a secret of sixteen characters\n")
        (folder / "secret").chmod(0o600)
        (folder / "server.toml").write_text(
            f'data = "{folder}/data"\ndatabase = "{self.url}"\n[enrolment]\nlisten = "127.0.0.1:8770"\n'
            f'[notices]\nwebhook_url = "http://127.0.0.1:9/"\nwebhook_secret_file = "{folder}/secret"\n'
        )
        self._known = {"folder": str(folder), "day": DAY, "until": UNTIL}

    def sorts_as_people(self) -> bool:
        """Whether the database itself puts Đ before E."""
        database = connect(self.url)
        with database.connect() as connection:
            found = connection.exec_driver_sql("SELECT 'Đ' < 'E'").scalar()
        database.dispose()
        return bool(found)

    def run(self) -> Iterator[tuple[str, list[str]]]:
        """Each command and the lines of what came of it."""
        for line in WALK.strip().splitlines():
            if line == "!meet":
                self._meet()
                continue
            told = self._told([word.replace("_", " ").format(**self._known) for word in line.split()])
            self._known |= {name: found[1] for name, said in LEARNT.items() if (found := said.search(told))}
            yield line, self._plain(told).splitlines()
        for path in sorted(self.folder.glob("*.csv")):
            yield path.name, self._plain(path.read_text()).splitlines()
        for sheet in load_workbook(self.folder / "trace.xlsx"):
            yield sheet.title, [str(row) for row in sheet.iter_rows(values_only=True)]

    def _told(self, words: list[str]) -> str:
        code = main([*words, "--config", str(self.folder / "server.toml")])
        said = self._capsys.readouterr()
        return f"{code}\n{said.out}\n{said.err}"

    def _plain(self, text: str) -> str:
        text = text.replace(str(self.folder), "FOLDER")
        for pattern, instead in DIFFERS:
            text = pattern.sub(instead, text)
        return text

    def _meet(self) -> None:
        """NV10 is ill: close to two, an hour in a room with others, and came in by the entrance."""
        database = connect(self.url)
        with writing(database) as connection:
            tags = {row.number: row.id for row in connection.execute(select(schema.tag.c.number, schema.tag.c.id))}
            places = {row.name: row.id for row in connection.execute(select(schema.place.c.name, schema.place.c.id))}
            order = ("A1", "A-2", "a-3", "A-10", "Â-4")
            worn = schema.wearing
            connection.execute(worn.delete().where(worn.c.until_ms.is_not(None)))
            connection.execute(worn.update().values(since_ms=BEGIN_MS - DAY_MS))
            stay = [
                (places[place], BEGIN_MS + (n - early) * MINUTE_MS, tags[number], BEGIN_MS + 50 * MINUTE_MS)
                for n, number in enumerate(order)
                for place, early in (("Đông", 0), ("E", 7))
            ]
            rows.insert(connection, schema.presence, stay)
            packed = bytes([255] * (CELLS // 2))
            heard = [
                (tags["A1"], BEGIN_MS // EPOCH_MS + epoch, bytes([n] * 8), 0, tags[peer], at, 9, -40, packed, True, 0)
                for n, peer in enumerate(("Â-4", "A-2"))
                for epoch in range(3)
                for at in (BEGIN_MS + epoch * CELLS * CELL_MS,)
            ]
            rows.insert(connection, contact_log, heard)
            visits = [
                ("hq", BEGIN_MS + n * MINUTE_MS, tags[number], BEGIN_MS + HOUR_MS, None)
                for n, number in enumerate(order)
            ]
            rows.insert(connection, schema.visit, visits)
        database.dispose()


def test_every_command_says_the_same_on_both(
    postgresql: PostgreSQL, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert {line.split()[0] for line in WALK.split("\n") if line[:1].isalpha()} == COMMANDS.keys() - WITHOUT
    theirs = Walk(tmp_path / "postgresql", postgresql.make("walked"), capsys)
    ours = Walk(tmp_path / "sqlite", "", capsys)
    assert (theirs.sorts_as_people(), ours.sorts_as_people()) == (True, False)  # else the walk proves nothing of orders
    assert list(theirs.run()) == list(ours.run())
    postgresql.drop("walked")
