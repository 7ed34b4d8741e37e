"""An office with two units, its pages, and papers read back."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rig.components import Require
from rig.office import Office, new_office
from rig.pages import KEYRING, Get, as_somebody
from rig.papers import HEAD, WAYS

from zonetag_backend.events import Events
from zonetag_backend.web.app import make_app
from zonetag_backend.web.paperwork import PaperSettings

Read = Callable[[bytes], str]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    """A site with two places and two gateways, and nobody yet."""
    office = new_office(tmp_path)
    yield office
    office.engine.dispose()


@pytest.fixture
def get(office: Office) -> Get:
    """Its pages; reminders have a way out."""
    settings = PaperSettings(HEAD, 21, WAYS, "Văn phòng", "vi", 7)
    app = make_app(office.engine, office.clock, Events(), keyring=KEYRING, paperwork=settings)
    return as_somebody(app, office)


@pytest.fixture(scope="session")
def read(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Read:
    """The text of a PDF, by another program."""
    program = require("pdftotext", "apt-get install poppler-utils")
    folder = tmp_path_factory.mktemp("pdf")

    def text(data: bytes) -> str:
        path = folder / "read.pdf"
        path.write_bytes(data)
        done = subprocess.run([program, "-layout", str(path), "-"], capture_output=True, check=True, timeout=60)
        return done.stdout.decode()

    return text


@pytest.fixture(scope="session")
def pdf_fonts(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], list[tuple[str, bool]]]:
    """The fonts of a PDF: name, and whether it is embedded."""
    program = require("pdffonts", "apt-get install poppler-utils")
    folder = tmp_path_factory.mktemp("pdf")

    def listed(data: bytes) -> list[tuple[str, bool]]:
        path = folder / "fonts.pdf"
        path.write_bytes(data)
        done = subprocess.run([program, str(path)], capture_output=True, check=True, timeout=60, text=True)
        rows = [line.split() for line in done.stdout.splitlines()[2:]]
        return [(row[0].partition("+")[2], row[-5] == "yes") for row in rows]

    return listed
