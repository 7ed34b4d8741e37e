"""`make accuracy` from end to end on made-up recordings: whole, in part, taught by others, and refusing rubbish."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rig import recordings

ROOT = Path(__file__).resolve().parents[2]


def accuracy(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "accuracy", *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def objects(said: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    assert said.returncode == 0, said.stderr
    lines = [json.loads(line) for line in said.stdout.splitlines() if line.startswith("{")]
    return {line["task"]: line for line in lines if "not_judged" not in line}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recordings")
    recordings.write_all(folder, 1)
    return folder


def test_every_task_tells_its_figures(data: Path) -> None:
    said = accuracy("--data", data)
    found = objects(said)
    assert list(found) == ["door", "vestibule", "zone", "contact", "offices", "air"]
    assert said.stdout.startswith("task")
    door = found["door"]["person"]["zonetag"]
    assert (door["found_within_3s"], door["crossings"], door["false"]) == (8, 8, 0)
    assert found["vestibule"]["60s"]["zonetag"] > 0.95
    assert found["zone"]["room"]["zonetag"] > 0.8
    assert found["zone"]["median_error_m"] < 4
    assert found["contact"]["h0h1"]["900s"]["cost"] < 0.5
    assert found["contact"]["h0h1"]["900s"]["brier"] < 0.2
    assert found["offices"]["office"]["about"]["true_contacts"] == 2
    assert found["offices"]["office"]["sampling"]["recall"] == 1.0
    assert 0 <= found["air"]["packet to packet"]["ks"] <= 1


def test_what_the_room_of_a_tag_costs_is_told_apart_from_identifiers_that_change(data: Path, tmp_path: Path) -> None:
    """Twenty people in one hall are more than the 16 records of an epoch hold; the control is the small office."""
    shutil.copytree(data / "meetings", tmp_path / "meetings")
    rows = [f"{t} {a} {a + 1}" for t in range(36_000, 37_500, 20) for a in range(1, 20, 2)]
    (tmp_path / "meetings" / "hall_tij.dat").write_text("\n".join(rows) + "\n")
    said = accuracy("offices", "--data", tmp_path)
    offices = objects(said)["offices"]
    hall, office = offices["hall"]["about"], offices["office"]["about"]
    assert hall["identifiers_an_epoch"] > 16 >= office["identifiers_an_epoch"]
    assert hall["looks_kept"] < 0.8 * hall["looks_heard"]
    assert office["looks_kept"] > 0.9 * office["looks_heard"]
    assert offices["office"]["roomy"] == offices["office"]["rotation"]
    assert hall["looks_roomy"] > 0.9 * hall["looks_heard"]
    assert "hall: up to rotation, had tags room for all" in said.stdout


def test_what_is_missing_is_left_out_and_named_and_others_may_teach(data: Path, tmp_path: Path) -> None:
    """Held-out recordings by themselves, positions of the receivers in the folder that teaches."""
    recordings.write_all(tmp_path, 2)
    for gone in ("meetings", "vestibule", "contact"):
        shutil.rmtree(tmp_path / gone)
    (tmp_path / "zone" / "here.dev").unlink()
    said = accuracy("--data", tmp_path, "--train", data)
    found = objects(said)
    assert list(found) == ["door", "zone", "air"]
    for name, wanted in (("vestibule", "*.csv"), ("contact", "*_partner.csv"), ("offices", "*_tij.dat")):
        assert f"{name}: left out: no {wanted} " in said.stderr
        assert f'{{"task": "{name}", "not_judged": "no {wanted} ' in said.stdout
    assert found["zone"]["split"].startswith("trained on --train")
    assert found["door"]["person"]["zonetag"]["found_within_3s"] == 8
    alone = accuracy("door", "zone", "--data", tmp_path)  # the control: nobody says where the receivers hang
    assert list(objects(alone)) == ["door"]
    assert "zone: left out: no *.dev says where the receivers hang" in alone.stderr


def test_what_cannot_be_judged_within_a_task_is_named(data: Path, tmp_path: Path) -> None:
    """Contacts of one kind only; contacts of unknown make without a list of sessions; a zone that nobody teaches."""
    (tmp_path / "contact").mkdir()
    for name, feet in (("near", (3, 4)), ("both", (3, 12))):
        rows = ["session,t_s,rssi_dbm,range_ft"]
        for session in range(8):
            far = feet[session % 2]
            rows += [f"{session},{second},{-60 - far + second % 3},{far}" for second in range(200)]
        (tmp_path / "contact" / f"{name}_partner.csv").write_text("\n".join(rows))
    (tmp_path / "vestibule").mkdir()
    packed = next((data / "vestibule").iterdir())
    rows = (
        gzip.decompress(packed.read_bytes()).decode() if packed.suffix == ".gz" else packed.read_text()
    ).splitlines()
    rows.append("new,LOFT,1551367500000,-70,-70")
    (tmp_path / "vestibule" / "a.csv").write_text("\n".join(rows))
    said = accuracy("contact", "vestibule", "--data", tmp_path, "--train", data)
    found = objects(said)
    assert "contact: near: close ones only" in said.stderr
    assert any(each.startswith("near: close ones only") for each in found["contact"]["left_out"])
    assert "near" not in found["contact"]
    assert found["contact"]["both"]["900s"]["stretches"] == 8
    assert "contact: both: judged by what other sets teach" in said.stderr
    assert "new: no other tag teaches LOFT" in said.stderr
    assert found["vestibule"]["left_out"][0].startswith("new:")


def test_a_bad_file_is_left_out_and_named_and_the_others_are_judged(data: Path, tmp_path: Path) -> None:
    """Also with unknown columns, a byte order mark, other ends of lines, capitals, and what a Mac leaves behind."""
    shutil.copytree(data / "door", tmp_path / "door")
    good = next((tmp_path / "door").iterdir()).read_text().splitlines()
    strange = [f"remark,{good[0]},more", *(f'"a, b",{line},' for line in good[1:])]
    (tmp_path / "door" / "nurse-1.CSV").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(strange).encode())
    (tmp_path / "door" / "cut.csv").write_text("\n".join(good)[:-20])
    (tmp_path / "door" / "._person_1.csv").write_bytes(b"\0\5\x16\7")
    (tmp_path / "vestibule").mkdir()
    (tmp_path / "vestibule" / "bad.csv").write_bytes(b"\xff\xfe\x00")
    said = accuracy("door", "vestibule", "--data", tmp_path)
    assert said.returncode == 1
    door, vestibule = (json.loads(line) for line in said.stdout.splitlines() if line.startswith("{"))
    assert door["nurse-1"]["zonetag"]["crossings"] == 4
    assert [each.partition(": ")[0] for each in door["left_out"]] == [str(tmp_path / "door" / "cut.csv")]
    assert "bad.csv" in vestibule["not_judged"]
    assert "bad.csv" in said.stderr
    assert "not judged, or not all of it: door, vestibule" in said.stderr


COPIES = """
import gzip, sys
from pathlib import Path
from accuracy import contact, door, vestibule, zone

data, copies = map(Path, sys.argv[1:])
for task in ("door", "vestibule", "zone", "contact"):
    (copies / task).mkdir()
    for path in (data / task).iterdir():
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        name = path.name.removesuffix(".gz").replace("_1_", "_7_")
        # Also other names of tags, other days of talks.
        changed = text.replace(b"AA:", b"BB:").replace(b"2020-04-", b"2021-05-")
        (copies / task / name).write_bytes(changed)
for task, evaluate in (("door", door), ("vestibule", vestibule), ("zone", zone), ("contact", contact)):
    alone, taught = (dict(evaluate.evaluate(*folders).figures) for folders in ((data, None), (copies, data)))
    print(task, alone == taught)
"""


def test_nothing_is_judged_by_a_copy_of_itself_under_another_name(data: Path, tmp_path: Path) -> None:
    """Copies of all recordings, judged by these, do as well as each of these with itself held out, and no better."""
    command = [sys.executable, "-W", "error", "-c", COPIES, str(data), str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout.split("\n")[:-1] == [f"{task} True" for task in ("door", "vestibule", "zone", "contact")], said


def test_a_task_that_breaks_leaves_the_others_whole(data: Path, tmp_path: Path) -> None:
    """Walks of a beacon that the receivers of the *.dev never heard; drives of one moment."""
    for task in ("zone", "door", "vestibule"):
        shutil.copytree(data / task, tmp_path / task)
    for path in (tmp_path / "zone").glob("*.mbd*"):
        text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
        path.unlink()
        rows = [line.split(",") for line in text.splitlines()]
        (tmp_path / "zone" / path.name.removesuffix(".gz")).write_text(
            "\n".join(",".join([row[0], "elsewhere", *row[2:]]) for row in rows)
        )
    for path in (tmp_path / "door").iterdir():
        path.unlink()
    (tmp_path / "door" / "car_1.csv").write_text("superframe,O-A,I-A,Label\n5,-60,-70,0\n")
    said = accuracy("door", "zone", "air", "vestibule", "--data", tmp_path)
    told = {
        each["task"]: each for each in map(json.loads, filter(lambda s: s.startswith("{"), said.stdout.split("\n")))
    }
    assert list(told) == ["door", "zone", "air", "vestibule"]
    assert {task for task in told if "not_judged" in told[task]} == {"door", "zone", "air"}
    assert "Traceback" not in said.stderr


def test_a_rehearsal_parts_every_task_and_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    before = sorted(path.name for path in data.rglob("*"))
    said = accuracy("--rehearse", "1", "--data", data)
    told = objects(said)["rehearsal"]["splits"]
    assert {each["task"] for each in told} == {"door", "vestibule", "zone", "contact"}
    assert {each["held_out"] for each in told if each["task"] == "contact"} == {"a third of the days"}  # none is worn
    found = [each["values"] for each in told if each["figure"] == "person, zonetag: crossings found"]
    assert found == [[1.0]]
    assert sorted(path.name for path in data.rglob("*")) == before
    (tmp_path / "door").mkdir()
    alone = accuracy("--rehearse", "1", "--data", tmp_path)  # the control
    assert alone.returncode
    assert "too few recordings" in alone.stderr


RUBBISH = {
    "door/a.csv": b"superframe,O-A,I-A,Label\n0,-70,what,1\n",
    "door/b.csv": b"superframe,O-A,O-B,Label\n0,-70,-71,1\n",
    "door/c.csv": b"time,O-A,I-A\n0,1,2\n",
    "door/d.csv": b"superframe,O-A,I-A,Label\n0,-70\n",
    "door/e.csv": b"\xff\xfe\x00",
    "vestibule/a.csv": b"name,locationStatus,timestamp,rssiOne,rssiTwo\nA,INSIDE,nan,-1,-2\n",
    "vestibule/b.csv.gz": gzip.compress(b"name,locationStatus\n")[:-9],
    "zone/a.mbd": b"1,2,3\n",
    "zone/b.dev": b"Dongles:{not python\n",
    "zone/c.dev": b"nothing\n",
    "contact/x_partner.csv": b"session,t_s,rssi_dbm,range_ft\n0,0,inf,4\n",
    "meetings/a_tij.dat": b"1 2\n",
    "meetings/b_tij.dat": b"1 2 x\n",
}


def test_rubbish_is_refused_by_name(tmp_path: Path) -> None:
    """One interpreter for all of them; each by itself in a folder."""
    names = json.dumps({name: content.hex() for name, content in RUBBISH.items()})
    script = (
        "import json, sys; from pathlib import Path; from accuracy import folders as f\n"
        "for i, (name, content) in enumerate(json.loads(sys.argv[1]).items()):\n"
        "    top = Path(sys.argv[2]) / str(i); path = top / name; path.parent.mkdir(parents=True)\n"
        "    path.write_bytes(bytes.fromhex(content))\n"
        "    try: [read(top) for read in (f.doors, f.tags, f.walks, f.receivers, f.talks, f.meetings)]\n"
        "    except f.Rubbish as error: print(str(error).startswith(str(path)))\n"
        "    else: print('taken', name)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    command = [sys.executable, "-W", "error", "-c", script, names, str(tmp_path)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert said.stdout.split("\n")[:-1] == ["True"] * len(RUBBISH), said.stdout + said.stderr


def test_a_folder_that_is_not_there_or_empty_and_a_task_that_does_not_exist(tmp_path: Path) -> None:
    wrong: list[tuple[list[str | Path], str]] = [
        (["--data", tmp_path / "none"], "no such folder"),
        (["door", "--data", tmp_path], "no recordings"),
        (["door", "--data", tmp_path, "--train", tmp_path / "none"], "no such folder"),
        (["doors", "--data", tmp_path], "no task doors"),
    ]
    for arguments, word in wrong:
        said = accuracy(*arguments)
        assert said.returncode
        assert word in said.stderr
        assert "Traceback" not in said.stderr
    (tmp_path / "door").mkdir()
    (tmp_path / "door" / "a.csv").write_text("superframe,Label\n0,1\n")
    said = accuracy("door", "--data", tmp_path)
    assert said.returncode
    assert "a.csv" in said.stderr
    assert "Traceback" not in said.stderr
