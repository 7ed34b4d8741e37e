"""Fixtures of the end-to-end tests: real programs, which never outlive their test."""

from collections.abc import Callable, Iterator

import pytest
from rig.programs import Program, script

Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    """`start("zonetag", "demo", ...)`: a command of this project as a process."""
    started: list[Program] = []

    def run(name: str, *arguments: str) -> Program:
        started.append(Program(script(name), *arguments))
        return started[-1]

    yield run
    for program in started:
        program.close()
