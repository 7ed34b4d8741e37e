"""A long import: how far it is, stopped without a trace, sent twice and done once, killed in the middle."""

import fcntl
import html
import os
import re
import signal
import subprocess
import sys
import termios
import threading
import time
from itertools import pairwise
from pathlib import Path

import httpx
import pytest
from rig.office import Office
from rig.pages import KEYRING, Get
from rig.rosters import workbook
from sqlalchemy import event, text

from zonetag_backend.cli import main
from zonetag_backend.names import printable
from zonetag_backend.roles import ADMIN, HEALTH
from zonetag_backend.roster import plan as planning
from zonetag_backend.roster import reading as roster
from zonetag_backend.roster.telling import CHECK, EVERY, READ, WRITE, Stopped, silent
from zonetag_backend.store import rosters, tags
from zonetag_backend.store.engine import connect, reading, writing
from zonetag_backend.web.works import MOST, Works

KEY = "0123456789abcdef"
LIMIT_S = 60  # generous
ROWS = 450
LIST = "Họ và tên;Đơn vị;Mã số;Số thẻ\n" + "".join(
    f"Nguyễn Văn A{n};Phòng {n % 9};NV{n};{f'A-{n}' if n < 20 else ''}\n" for n in range(ROWS)
)


def people(office: Office) -> int:
    with reading(office.engine) as connection:
        found = connection.execute(text("SELECT count(*) FROM person")).scalar_one()
        entries = connection.execute(text("SELECT count(*) FROM audit WHERE action = 'people.import'")).scalar_one()
    assert (found > 0) == (entries > 0), "both, or neither"
    assert isinstance(found, int)
    return found


def looked(get: Get) -> dict[str, str]:
    """What the preview sends on."""
    sent = {"file": ("ds.csv", LIST.encode(), "text/csv")}
    page = get("/people/import?lang=en", ADMIN, method="POST", data={"csrf": get.csrf(ADMIN)}, files=sent).text
    fields = dict(re.findall(r'name="(digest|rows)" value="([^"]*)"', page))
    return {name: html.unescape(value) for name, value in fields.items()}


class Sent(threading.Thread):
    """The form on its way, from another tab."""

    def __init__(self, get: Get, fields: dict[str, str]) -> None:
        super().__init__()
        self.get, self.fields = get, fields
        self.answer: httpx.Response | None = None
        self.start()

    def run(self) -> None:
        self.answer = self.get.post("/people/import?lang=en", ADMIN, work=KEY, **self.fields)

    def ended(self) -> httpx.Response:
        self.join(LIMIT_S)
        assert self.answer is not None
        return self.answer


def under_way(get: Get) -> None:
    """Until the server knows of it."""
    until = time.monotonic() + LIMIT_S
    while not get(f"/people/import/{KEY}.json", ADMIN).json()["known"]:
        assert time.monotonic() < until


def test_each_stage_is_told_to_its_end_and_a_stop_undoes_all(office: Office) -> None:
    told: list[tuple[str, int, int]] = []
    stop = False

    def tell(*each: object) -> None:
        told.append(each)  # type: ignore[arg-type]  # what Tell says
        if stop and told[-1][0] == WRITE and told[-1][1] >= ROWS // 2:
            raise Stopped

    with writing(office.engine) as connection:
        for n in range(20):
            tags.add_tag(connection, KEYRING, f"A-{n}", office.now)
    stop = False
    found = roster.look(LIST.encode(), tell)
    for stop in (True, False):
        told.clear()
        with writing(office.engine) as connection:
            plan = planning.plan(found.rows, rosters.known_people(connection), rosters.known_tags(connection), tell)
            if not stop:
                rosters.take_over(connection, KEYRING, plan, office.now, "x", tell=tell)
        if stop:
            with pytest.raises(Stopped), writing(office.engine) as connection:
                rosters.take_over(connection, KEYRING, plan, office.now, "x", tell=tell)
            assert people(office) == 0
    assert people(office) == ROWS, "the control"
    assert [stage for stage, *_ in told] == sorted((stage for stage, *_ in told), key=(READ, CHECK, WRITE).index)
    assert told[-1] == (WRITE, ROWS, ROWS)
    assert max(b[1] - a[1] for a, b in pairwise(told)) <= EVERY


def test_a_hundred_rows_are_written_in_few_statements(office: Office) -> None:
    """All of it is one transaction, for which every report of a tag waits: it costs no statement a row."""
    with writing(office.engine) as connection:
        for n in range(200):
            tags.add_tag(connection, KEYRING, f"A-{n}", office.now)
    asked: list[str] = []
    event.listen(office.engine, "before_cursor_execute", lambda _c, _r, said, *_: asked.append(said))
    for unit in ("Kho", "Văn phòng"):  # all are new; then all are others
        lines = "".join(f"Lê Văn A{n};{unit};NV{n};A-{n}\n" for n in range(200))
        found = roster.look(f"Họ và tên;Đơn vị;Mã số;Số thẻ\n{lines}".encode(), silent)
        with writing(office.engine) as connection:
            plan = planning.plan(found.rows, rosters.known_people(connection), rosters.known_tags(connection))
            asked.clear()
            taken = rosters.take_over(connection, KEYRING, plan, office.now, "x")
            assert len(asked) < 100, asked
        assert (taken.new, taken.changed, taken.tags) == ((200, 0, 200) if unit == "Kho" else (0, 200, 0))


def test_who_stops_it_finds_nothing_changed(office: Office, get: Get) -> None:
    fields = looked(get)
    other = get.named("another", ADMIN)
    assert other("/people", ADMIN).status_code == get("/cases", HEALTH).status_code == 200  # are signed in
    with writing(office.engine):  # it waits for us
        sent = Sent(get, fields)
        under_way(get)
        office.now += 20 * 60_000  # long enough to be noted as still there, which would have to wait
        twin = get(f"/people/import/{KEY}.json", ADMIN).json()
        assert twin == {"known": True, "stage": "", "done": 0, "total": 0, "stopping": False, "over": False}
        assert "Waiting for its turn" in get(f"/people/import/{KEY}?lang=en", ADMIN).text
        assert other(f"/people/import/{KEY}", ADMIN).status_code == 404, "not theirs"
        assert get.post(f"/people/import/{KEY}", HEALTH, act="stop").status_code == 403
        assert get.post(f"/people/import/{KEY}", ADMIN, act="burn").status_code == 400
        assert get.post(f"/people/import/{KEY}", ADMIN, act="stop").status_code == 303
        assert "Being stopped" in get(f"/people/import/{KEY}?lang=en", ADMIN).text
    answer = sent.ended()
    assert answer.status_code == 200
    assert "Stopped: nothing has been changed." in answer.text
    assert people(office) == 0
    assert get(f"/people/import/{KEY}.json", ADMIN).json()["over"] is True
    assert "It is over" in get(f"/people/import/{KEY}?lang=en", ADMIN).text


def test_sent_twice_it_is_done_once_and_answered_alike(office: Office, get: Get) -> None:
    fields = looked(get)
    with writing(office.engine):
        both = [Sent(get, fields), Sent(get, fields)]
        under_way(get)
    first, second = (each.ended() for each in both)
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    assert f"new={ROWS - 20}" in first.headers["location"]
    assert people(office) == ROWS - 20, "whose tag there is not"
    assert "The list is taken over" in get(f"/people/import/{KEY}?lang=en", ADMIN).text
    # The control: under another key it is another form, which finds the register changed.
    assert get.post("/people/import", ADMIN, work=KEY[::-1], **fields).status_code == 400


def test_what_is_remembered_is_bounded_and_ones_own() -> None:
    works = Works()
    first = works.begin(f"{0:016x}", "account:a")
    assert first is not None
    for n in range(1, MOST + 1):
        work = works.begin(f"{n:016x}", "account:a")
        assert work is not None
        work.over.set()
    assert works.find(f"{0:016x}", "account:a") is first, "what goes on is kept"
    assert works.find(f"{1:016x}", "account:a") is None
    assert works.find(f"{2:016x}", "account:b") is None
    for odd in ("", "x" * 16, "../../etc", "0" * 17):
        assert works.begin(odd, "account:a") is not None
        assert works.find(odd, "account:a") is None
    silent(READ, 0, 0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The data of a server, and a list beside it."""
    (tmp_path / "ds.csv").write_text(LIST, encoding="utf-8")
    assert main(["site", "add", "van-phong", "--data", str(tmp_path / "data")]) == 0
    return tmp_path


def words(folder: Path) -> list[str]:
    return ["person", "import", str(folder / "ds.csv"), "--yes", "--data", str(folder / "data")]


def held(folder: Path) -> int:
    engine = connect(f"sqlite:///{folder / 'data' / 'zonetag.db'}")
    with reading(engine) as connection:
        found = connection.execute(text("SELECT count(*) FROM person")).scalar_one()
    engine.dispose()
    return int(found)


def test_the_command_looks_first_and_takes_over_when_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([each for each in words(folder) if each != "--yes"]) == 0
    said = capsys.readouterr()
    assert "Nothing has been changed" in said.out
    assert "row 2: tag-unknown (A-0)" in said.out
    assert f"{ROWS - 20} new" in said.out
    assert held(folder) == 0
    assert main(words(folder)) == 0
    said = capsys.readouterr()
    assert f"Taken over: {ROWS - 20} new people" in said.out
    assert f"{ROWS} of {ROWS} rows written" in said.err
    assert held(folder) == ROWS - 20
    assert main(words(folder)) == 0
    assert "Taken over: 0 new people" in capsys.readouterr().out, "once more changes nothing"
    (folder / "ds.csv").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    assert main(words(folder)) == 1
    assert "old-excel" in capsys.readouterr().err


def test_what_a_file_holds_commands_no_terminal(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = (("Họ và tên", "Số thẻ"), ("Lê An", "A\x9b2J\u202e"))
    (folder / "ds.csv").write_bytes(workbook(("Trang\x9b7", lines), ("Trang 2", lines)))
    assert main([each for each in words(folder) if each != "--yes"]) == 0
    said = capsys.readouterr().out
    assert "row Trang\ufffd7: 2: tag-unknown (A\ufffd2J\ufffd)" in said
    assert printable(said.replace("\n", "")) == said.replace("\n", "")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_killed_while_it_writes_the_register_is_as_it_was(folder: Path, how: signal.Signals) -> None:
    """All is written, and not committed yet, for as long as nobody reads what it tells: the pipe is full."""
    before = [b"0 rows read\n", b"0 of 450 rows held against the register\n", b"0 of 450 rows written\n"]
    out, into = os.pipe()
    size = fcntl.fcntl(into, fcntl.F_SETPIPE_SZ, 4096)
    os.write(into, b"." * (size - len(b"".join(before)) - 5))
    code = "import sys; from zonetag_backend.cli import main; sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen([sys.executable, "-c", code, *words(folder)], stderr=into, stdout=subprocess.DEVNULL)
    os.close(into)
    until = time.monotonic() + LIMIT_S
    waiting = bytearray(4)
    while int.from_bytes(waiting, sys.byteorder) < size - 5:
        fcntl.ioctl(out, termios.FIONREAD, waiting)
        assert process.poll() is None
        assert time.monotonic() < until
    process.send_signal(how)
    if how == signal.SIGINT:
        os.set_blocking(out, True)
        while os.read(out, 65536):
            pass
    code_ended = process.wait(LIMIT_S)
    os.close(out)
    assert code_ended == (130 if how == signal.SIGINT else -signal.SIGKILL)
    assert held(folder) == 0
    assert main(words(folder)) == 0, "the control"
    assert held(folder) == ROWS - 20
