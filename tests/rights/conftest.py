"""An office in which everything was done once that there is to do with one person."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.components import Require
from rig.everything import Everything, make_everything
from rig.reader import Reader


@pytest.fixture
def whole(tmp_path: Path) -> Iterator[Everything]:
    """The office, its pages and its commands."""
    made = make_everything(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="session")
def first_told(reader: Reader, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str, str]]:
    """What it tells before anything else happens: path as in the table, address, text.  The controls look here."""
    made = make_everything(tmp_path_factory.mktemp("first"))
    told = [(path, url, reader.text(body)) for path, url, body in made.answers()]
    made.close()
    return told


@pytest.fixture(scope="session")
def reader(require: Require, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    """What stands in an answer, whatever its form."""
    return Reader(require("pdftotext", "apt-get install poppler-utils"), tmp_path_factory.mktemp("read"))
