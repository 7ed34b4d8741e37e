"""`zonetag demo` as a user runs it: what it measures, and how it ends."""

import json
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from rig.programs import LIMIT_S, Program, mentioning, script
from rig.registry import make_office

Start = Callable[..., Program]


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition of another process."""
    end = time.monotonic() + LIMIT_S
    turn = 0
    while not condition():
        assert time.monotonic() < end, what
        turn += 1
        os.sched_yield()


@pytest.mark.parametrize(
    ("seconds", "speed", "seed", "database_url"),
    [(10, 60, 4, "sqlite"), (4, 30, 5, "postgresql")],
    indirect=["database_url"],
)
def test_everything_arrives_once_and_the_book_is_true(
    start: Start, seconds: int, speed: int, seed: int, database_url: str
) -> None:
    length = ("--for", str(seconds), "--speed", str(speed))
    where = ("--database", database_url) if database_url else ()
    demo = start("zonetag", "demo", *length, *where, "--days", "0", "--seed", str(seed), "--json")
    code, out = demo.end()
    assert code == 0, demo.errors
    assert out.count("\n") == 1
    result = json.loads(out)
    assert set(result) == {
        *("adverts", "windows", "windows_lost", "windows_double", "reports_sent", "reports_acknowledged"),
        *("observations", "rejected", "visits", "contacts", "records", "tags", "gateways", "seed"),
    }
    assert (result["tags"], result["gateways"], result["seed"]) == (40, 2, seed)
    assert result["windows_lost"] == 0
    assert result["windows_double"] == 0
    assert result["reports_acknowledged"] == result["reports_sent"] > 10
    assert result["windows"] == result["observations"] + sum(result["rejected"].values())
    assert result["adverts"] > result["windows"] > 40
    visits = result["visits"]
    assert visits["true"] >= 40
    assert visits == {"true": visits["true"], "found": visits["true"], "missed": 0, "invented": 0}
    assert result["rejected"]["unknown"] > 0
    assert "dropped" not in demo.errors
    assert "no gateway counted" not in demo.errors
    if seconds * speed >= 600:
        assert visits["true"] > 40, "some leave and come back"
        assert result["rejected"]["forged"] > 0
        assert result["rejected"]["stale"] > 0
    assert "Traceback" not in demo.errors


def test_a_case_entered_at_the_start_has_contacts_of_contacts(start: Start, tmp_path: Path) -> None:
    """The demo's own past, through the pages and the command line, beside its truth."""
    folder = tmp_path / "demo"
    demo = start("zonetag", "demo", "--days", "2", "--speed", "60", "--data", str(folder), "--json")
    line = demo.wait_for("For a first case, now: ")
    found = re.search(
        r"now: (http://127.0.0.1:\d+)/cases, (.+) \((NV\d+)\), first symptoms on (\d\d)/(\d\d)/(\d{4})", line
    )
    assert found is not None, line
    url, name, code, day, month, year = found.groups()
    command = demo.wait_for("zonetag trace ").split()
    truth = re.findall(r"([^\W\d]+ [^\W\d]+ [^\W\d]+) (\d+) min", demo.wait_for("In truth "))
    with httpx.Client(base_url=url, headers={"Origin": url}, timeout=LIMIT_S) as client:
        page = client.get(f"/cases?q={code}").text
        token, who = re.search(r'name="csrf" value="(\w+)"', page), re.search(r'name="person" value="(\d+)"', page)
        assert token is not None
        assert who is not None
        about = {"day": f"{year}-{month}-{day}", "basis": "onset", "profile": "covid-19", "reason": "positive test"}
        entered = client.post("/cases", data={"csrf": token[1], "person": who[1], **about})
        assert entered.status_code == 303, entered.text
        case = entered.headers["location"]
        until(lambda: bool(client.get(f"{case}.json").json()["traced"]), "it is traced")
        told = client.get(f"{case}.json").json()
        page = client.get(case).text
    ones, twos = ([each for each in told["contacts"] if each["generation"] == n] for n in (1, 2))
    assert twos
    assert all(each["name"] in page and each["days"] for each in ones)
    assert {touch["evidence"] for each in ones + twos for touch in each["days"]} == {"direct"}
    assert all(touch["from"] < touch["to"] and touch["places"] for each in ones for touch in each["days"])
    # Whoever sat beside that person for hours is there, and rather sure.
    sure = {each["name"] for each in ones if each["probability"] > 0.8}
    long = {other for other, length in truth if int(length) >= 120}
    assert long
    assert long <= sure, (name, truth, ones)
    assert command[0] == script("zonetag"), "as it was called: it need not be on the path"
    traced = start("zonetag", *command[1:], "--json")
    code_, out = traced.end()
    assert code_ == 0, traced.errors
    assert {each["who"]["name"] for each in json.loads(out)["found"] if each["generation"] == 1} >= long
    code_, out = demo.end(signal.SIGINT)
    assert code_ == 0, demo.errors
    contacts = json.loads(out)["contacts"]
    assert contacts["days"] == 3
    assert contacts["true"] == contacts["found"] + contacts["missed"] > 20
    assert contacts["recall"] > 0.6
    assert contacts["likely"]["precision"] > 0.3
    assert json.loads(out)["records"]["home"] > 10_000


def begun(demo: Program, folder: Path) -> None:
    until(demo.catches_sigterm, "the demo takes signals")


def with_database(demo: Program, folder: Path) -> None:
    until((folder / "zonetag.db").exists, "the demo makes its database")


def with_gateways(demo: Program, folder: Path) -> None:
    until(lambda: len(mentioning(str(folder / "gateway-"))) == 2, "the demo starts its gateways")


def with_page(demo: Program, folder: Path) -> None:
    demo.wait_for("Ctrl-C ends it.")


def at_work(demo: Program, folder: Path) -> None:
    demo.wait_for(" inside, ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", [begun, with_database, with_gateways, with_page])
def test_a_signal_at_any_moment_ends_all_of_it(
    start: Start, tmp_path: Path, moment: Callable[[Program, Path], None], number: signal.Signals
) -> None:
    folder = tmp_path / "demo"
    demo = start("zonetag", "demo", "--days", "0", "--data", str(folder))
    moment(demo, folder)
    code, out = demo.end(number)
    assert "Traceback" not in demo.errors
    assert code == 0, demo.errors
    assert out == ""
    assert not mentioning(str(folder))


def test_the_impatient_get_no_traceback_and_leave_no_folder(start: Start) -> None:
    demo = start("zonetag", "demo", "--days", "0")
    folder = Path(demo.wait_for("Ctrl-C ends it.").split(" is in ")[1].split(" (")[0])
    assert folder.is_dir()
    ended = threading.Event()

    def hammer() -> None:
        while not ended.wait(0.005):
            demo.process.send_signal(signal.SIGINT)

    hammering = threading.Thread(target=hammer)
    hammering.start()
    code, _ = demo.end()
    ended.set()
    hammering.join()
    assert (code, "Traceback" in demo.errors) == (0, False), demo.errors
    assert not folder.exists()


def test_after_an_early_end_the_counts_are_true_and_the_port_is_free(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = start("zonetag", "demo", "--days", "0", "--data", str(folder), "--speed", "60", "--json")
    line = demo.wait_for("The in-out book fills at ")
    port = int(line.split("127.0.0.1:")[1].split("/")[0])
    at_work(demo, folder)
    code, out = demo.end(signal.SIGINT)
    assert code == 0, demo.errors
    result = json.loads(out)
    assert result["windows_lost"] == result["windows_double"] == 0
    assert result["visits"]["missed"] == result["visits"]["invented"] == 0
    assert result["visits"]["found"] > 0
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_killed_it_leaves_no_gateway_behind(start: Start, tmp_path: Path) -> None:
    demo = start("zonetag", "demo", "--days", "0", "--data", str(tmp_path / "demo"))
    with_page(demo, tmp_path / "demo")
    demo.process.kill()
    until(lambda: not mentioning(str(tmp_path / "demo")), "the gateways notice and end")


def test_a_gateway_that_dies_is_told_of(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "demo"
    demo = start("zonetag", "demo", "--days", "0", "--data", str(folder), "--json")
    with_page(demo, folder)
    with_gateways(demo, folder)
    os.kill(mentioning(str(folder / "gateway-office"))[0], signal.SIGKILL)
    code, out = demo.end()
    assert code == 1
    assert out == ""
    assert "gateway office has ended with code -9" in demo.errors
    assert "Traceback" not in demo.errors
    assert not mentioning(str(folder))


def test_a_taken_port_is_told_and_the_next_free_one_used(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        demo = start("zonetag", "demo", "--days", "0", "--port", str(port))
        demo.wait_for(f"Port {port} is taken")
        with_page(demo, Path())
        assert f"http://127.0.0.1:{port}/" not in demo.errors
        assert demo.end(signal.SIGINT)[0] == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--for", "1", "--speed", "1e6"), "to a day"),
        (("--port", "65536"), "--port"),
        (("--seed", "-1"), "from 0"),
        (("--for", "soon"), "above 0"),
    ],
)
def test_what_cannot_be_is_told_in_a_sentence(start: Start, arguments: tuple[str, ...], word: str) -> None:
    demo = start("zonetag", "demo", *arguments)
    code, _ = demo.end()
    assert code in (1, 2)
    assert word in demo.errors
    assert "Traceback" not in demo.errors


def test_an_old_database_is_left_alone(start: Start, tmp_path: Path) -> None:
    (tmp_path / "zonetag.db").write_bytes(b"precious")
    demo = start("zonetag", "demo", "--days", "0", "--data", str(tmp_path))
    assert demo.end()[0] == 1
    assert "new folder" in demo.errors
    assert (tmp_path / "zonetag.db").read_bytes() == b"precious"


def test_a_database_that_holds_an_office_is_left_alone(start: Start, tmp_path: Path) -> None:
    office = make_office(tmp_path / "office")
    url, before = f"sqlite:///{tmp_path}/office/zonetag.db", office.rows("SELECT name FROM site ORDER BY name")
    demo = start("zonetag", "demo", "--days", "0", "--data", str(tmp_path / "new"), "--database", url)
    assert demo.end()[0] == 1
    assert f"{url} holds an office already" in demo.errors
    assert "Traceback" not in demo.errors
    assert office.rows("SELECT name FROM site ORDER BY name") == before
    office.database.dispose()
    assert (tmp_path / "new" / "server.toml").stat().st_mode & 0o077 == 0, "a URL may hold a password"
