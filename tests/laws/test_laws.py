"""The laws of the design hold in this tree, and each of them catches what it forbids."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.laws import AT_LEAST, LAWS, PACKAGES, breaches, read

# A small tree that keeps every law, with the allowed twin of most plants below.
LAWFUL = {
    "protocol/zonetag_protocol/__init__.py": "",
    "protocol/zonetag_protocol/crypto.py": "import sys\nif sys.implementation.name == 'x':\n    import cryptolib\n",
    "protocol/zonetag_protocol/frame.py": "from collections import namedtuple\nfrom zonetag_protocol import crypto\n",
    "protocol/zonetag_protocol/report.py": "import cbor2\nimport re\nfrom typing import Any\n",
    "firmware/zonetag_tag/__init__.py": "",
    "firmware/zonetag_tag/radio.py": "import bluetooth\n",
    "firmware/zonetag_tag/board.py": "import machine, esp32, time\nnow = time.ticks_ms()\n",
    "firmware/zonetag_tag/beacon.py": "from zonetag_protocol.frame import seal\n",
    "gateway/zonetag_gateway/__init__.py": "",
    "gateway/zonetag_gateway/clock.py": "import time\nnow = time.time()\n",
    "gateway/zonetag_gateway/app.py": "from zonetag_gateway.clock import now\n",
    "gateway/zonetag_gateway/mqtt.py": "import paho.mqtt.client\nfrom zonetag_protocol.envelope import verify\n",
    "gateway/zonetag_gateway/sources/bleak.py": "import bleak\n",
    "gateway/zonetag_gateway/sightings.py": "import time\nfrom zonetag_protocol.frame import Frame\ntime.gmtime(0)\n",
    "flash/zonetag_flash/__init__.py": "",
    "flash/zonetag_flash/chip.py": "import esptool\n",
    "flash/zonetag_flash/tag.py": "from zonetag_protocol.rotation import derive_keys\n",
    "backend/zonetag_backend/__init__.py": "",
    "backend/zonetag_backend/cli/__init__.py": "from zonetag_backend import clock\n",
    "backend/zonetag_backend/clock.py": "from time import time_ns\n",
    "backend/zonetag_backend/resolver.py": "from zonetag_protocol.frame import verify\n",
    "backend/zonetag_backend/store/book.py": "import sqlalchemy\n",
    "backend/zonetag_backend/simulate.py": "import random\nrng = random.Random(7)\n",
    "backend/zonetag_backend/web/pages.py": (
        "from typing import TYPE_CHECKING\nfrom starlette import routing\n"
        "if TYPE_CHECKING:\n    from zonetag_backend.web import forms\n"
    ),
    "backend/zonetag_backend/web/forms.py": "from zonetag_backend.web import pages\n",
}

P, T = "protocol/zonetag_protocol", "firmware/zonetag_tag"
G, B = "gateway/zonetag_gateway", "backend/zonetag_backend"

# (law, file, what is planted there)
PLANTS = [
    ("siblings", f"{P}/report.py", "import zonetag_gateway"),
    ("siblings", f"{T}/beacon.py", "from zonetag_backend import registry"),
    ("siblings", f"{G}/sightings.py", "def f():\n    import zonetag_backend.resolver"),
    ("siblings", f"{G}/sightings.py", "from zonetag_tag.beacon import x"),
    ("siblings", f"{B}/resolver.py", "from zonetag_gateway.sightings import Folder"),
    ("siblings", "flash/zonetag_flash/tag.py", "import zonetag_tag.boards"),
    ("outside", f"{G}/app.py", "import bleak"),
    ("outside", f"{G}/spooler.py", "from sqlite3 import connect"),
    ("outside", f"{B}/resolver.py", "import sqlalchemy as sa"),
    ("outside", f"{B}/resolver.py", "from sqlalchemy.engine import Engine"),
    ("outside", f"{B}/app.py", "from alembic import command"),
    ("outside", f"{B}/app.py", "import starlette.applications"),
    ("outside", f"{B}/store/book.py", "import paho.mqtt.client as mqtt"),
    ("outside", f"{B}/app.py", "from amqtt.broker import Broker"),
    ("outside", f"{B}/app.py", "import jinja2"),
    ("outside", f"{T}/beacon.py", "import bluetooth"),
    ("outside", f"{T}/beacon.py", "from machine import Pin"),
    ("outside", f"{T}/radio.py", "import esp32"),
    ("outside", "flash/zonetag_flash/tag.py", "import serial.tools.list_ports"),
    ("outside", "flash/zonetag_flash/tag.py", "from littlefs import LittleFS"),
    ("outside", "flash/zonetag_flash/tag.py", "from esptool.cmds import write_flash"),
    ("clock", f"{G}/sightings.py", "import time\nnow = time.time()"),
    ("clock", f"{G}/sightings.py", "import time as t\nnow = t.monotonic_ns()"),
    ("clock", f"{G}/sightings.py", "from time import perf_counter as tick\nnow = tick()"),
    ("clock", f"{G}/sightings.py", "import time\ndef f(clock=time.monotonic): pass"),
    ("clock", f"{G}/sightings.py", "import time\nnow = time.gmtime()"),
    ("clock", f"{B}/resolver.py", "from datetime import UTC, datetime\nnow = datetime.now(UTC)"),
    ("clock", f"{B}/resolver.py", "import datetime as dt\nnow = dt.datetime.utcnow()"),
    ("clock", f"{B}/resolver.py", "from datetime import date\nnow = date.today()"),
    ("clock", f"{B}/resolver.py", "import asyncio\nnow = asyncio.get_running_loop().time()"),
    ("clock", f"{B}/resolver.py", "def f(loop):\n    return loop.time()"),
    ("clock", f"{B}/store/book.py", "from sqlalchemy import func\nnow = func.now()"),
    ("clock", f"{T}/beacon.py", "import time\nnow = time.ticks_ms()"),
    ("clock", f"{G}/sightings.py", "from time import time_ns"),
    ("clock", f"{G}/app.py", "import time\nnow = time.time()"),
    ("outermost", f"{G}/sightings.py", "from zonetag_gateway.clock import SystemClock"),
    ("outermost", f"{G}/sources/bleak.py", "from zonetag_gateway import clock"),
    ("outermost", f"{G}/sources/bleak.py", "from ..clock import now"),
    ("outermost", f"{B}/web/forms.py", "import zonetag_backend.clock"),
    ("keys", f"{G}/sightings.py", "from zonetag_protocol.rotation import derive"),
    ("keys", f"{G}/sightings.py", "from zonetag_protocol import card"),
    ("keys", f"{G}/sightings.py", "import zonetag_protocol.bulk"),
    ("keys", f"{G}/sightings.py", "from zonetag_protocol.frame import verify"),
    ("keys", f"{G}/sightings.py", "from zonetag_protocol import frame\nframe.seal(b'')"),
    ("keys", f"{G}/sightings.py", "def f(keys): return keys.k_eid"),
    ("keys", f"{G}/sightings.py", "def f(*, master): pass"),
    ("both", f"{P}/frame.py", "from dataclasses import dataclass"),
    ("both", f"{P}/frame.py", "import cryptography"),
    ("both", f"{P}/crypto.py", "import typing"),
    ("both", f"{P}/frame.py", "from zonetag_protocol import report"),
    ("both", f"{T}/beacon.py", "from zonetag_protocol.report import Window"),
    ("both", f"{T}/beacon.py", "import logging"),
    ("which_python", f"{P}/frame.py", "import sys\nif sys.implementation.name == 'cpython': pass"),
    ("chance", f"{G}/sightings.py", "import random\nx = random.uniform(0, 1)"),
    ("chance", f"{B}/simulate.py", "from random import choice\nx = choice([1])"),
    ("circles", f"{B}/store/book.py", "from zonetag_backend.store import book2"),
    ("circles", f"{B}/web/pages.py", "def f():\n    from zonetag_backend.web import forms"),
]

# Planted beside `store/book.py` so that the first circle above closes; harmless by itself.
LAWFUL["backend/zonetag_backend/store/book2.py"] = "from zonetag_backend.store.book import x\n"


def build(root: Path, tree: dict[str, str]) -> Path:
    for name, text in tree.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    return root


def names_of(plants: list[tuple[str, str, str]]) -> Iterator[str]:
    for law, path, planted in plants:
        yield f"{law}: {path.rsplit('/', 1)[1]}: {planted.splitlines()[-1].strip()}"


def test_this_project_keeps_its_laws(root: Path) -> None:
    sources = read(root)
    found = [f"{b.path}:{b.line}: law {b.law!r} forbids {b.what}" for b in breaches(sources)]
    assert not found, "\n".join(["tests/rig/laws.py has the laws", *found])
    seen = Counter(source.folder for source in sources)
    assert [folder for folder in PACKAGES if seen[folder] < AT_LEAST[folder]] == [], seen


def test_a_lawful_tree_passes(tmp_path: Path) -> None:
    assert breaches(read(build(tmp_path, LAWFUL))) == []


@pytest.mark.parametrize(("law", "path", "planted"), PLANTS, ids=list(names_of(PLANTS)))
def test_a_planted_breach_is_caught(tmp_path: Path, law: str, path: str, planted: str) -> None:
    tree = build(tmp_path, LAWFUL | {path: LAWFUL.get(path, "") + planted + "\n"})
    found = breaches(read(tree))
    assert [(breach.law, breach.path) for breach in found if breach.law == law] != []
    if law != "circles":  # a circle is told of one of its files
        assert {breach.path for breach in found} == {path}


def test_every_law_has_a_plant() -> None:
    assert {law for law, _, _ in PLANTS} == {*LAWS, "circles"}
