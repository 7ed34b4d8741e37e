"""Every command that a page tells people to type is one that the command line takes."""

import argparse
import shlex
from importlib import import_module

import pytest

from zonetag_backend import cli
from zonetag_backend.web import commands

TEXTS = [
    commands.FIRST_SITE,
    commands.FIRST_GATEWAY,
    commands.FIRST_PERSON,
    commands.FIRST_TAG,
    commands.GIVE,
    commands.IMPORT,
    commands.GIVE_FIRST,
    commands.CA_INIT,
    commands.TAG_KEY,
    commands.PACK,
    commands.enrol("cua-chinh"),
    commands.let_in("gw-1", "van-phong", ["Phòng họp 'A'; rm -rf /"]),
    commands.let_in("gw-1", "kho", []),
]


@pytest.mark.parametrize("line", [line for text in TEXTS for line in text.splitlines()])
def test_the_command_line_takes_it(line: str) -> None:
    program, command, *rest = shlex.split(line)
    assert program == "zonetag"
    parser = argparse.ArgumentParser(exit_on_error=False)
    import_module(f"zonetag_backend.cli.{cli.COMMANDS[command]}").register(parser.add_subparsers())
    parser.parse_args([command, *rest])


def test_a_name_from_outside_stays_one_word() -> None:
    words = shlex.split(commands.let_in("a b;$(x)", "s'", ["`y`"]))
    assert words == ["zonetag", "gateway", "add", "a b;$(x)", "--site", "s'", "--place", "`y`"]
