"""What the documents tell people to type exists: targets of make, sub-commands, options, files that links lead to."""

import re
from collections.abc import Iterator
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import entry_points
from io import StringIO
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
OUTSIDE_CODE = [
    "README.md",
    "SECURITY.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/**/*.md",
    "deploy/**/*.md",
    "protocol/*.md",
]
DOCUMENTS = sorted(path for pattern in OUTSIDE_CODE for path in ROOT.glob(pattern))

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHELL = {"", "sh", "bash", "console", "shell"}  # languages of fences whose lines may be commands
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!\w+:|#)([^)\s#]+)")
STARTS = re.compile(r"(?:\$ |sudo |exec )*(?P<command>zonetag-gateway|zonetag|make)(?P<rest>(?: .*)?)$")
ENDS = re.compile(r"\s[|&;#>]|…|\.\.\.")  # what follows is no longer this command


def commands(document: Path) -> Iterator[tuple[str, list[str]]]:
    """Every `zonetag ...`, `zonetag-gateway ...` and `make ...` of a document, as program and words."""
    text = document.read_text(encoding="utf-8")
    snippets = [line for language, body in FENCE.findall(text) if language in SHELL for line in body.splitlines()]
    snippets += INLINE.findall(FENCE.sub("", text))
    for snippet in snippets:
        if match := STARTS.match(snippet.strip()):
            yield match["command"], ENDS.split(match["rest"])[0].split()


def all_commands(*programs: str) -> list[tuple[str, str, list[str]]]:
    found = [(d.name, program, words) for d in DOCUMENTS for program, words in commands(d) if program in programs]
    return [one for number, one in enumerate(found) if one not in found[:number]]


@cache
def help_of(*command: str) -> str:
    """What a command says of itself."""
    [program] = entry_points(group="console_scripts", name=command[0])
    with redirect_stdout(StringIO()) as said, pytest.raises(SystemExit) as ended:
        program.load()([*command[1:], "--help"])
    assert ended.value.code == 0, f"{' '.join(command)} --help"
    return said.getvalue()


def choices(help_text: str) -> set[str]:
    """The sub-commands that an argparse help lists: in braces in its usage, or each at the head of a line."""
    usage, _, rest = help_text.partition("\n\n")
    usage = re.sub(r"\[.*?\]", "", usage, flags=re.DOTALL)  # what an option may be is no sub-command
    braces = {name for group in re.findall(r"\{([\w,-]+)\}", usage) for name in group.split(",")}
    return braces | set(re.findall(r"^ {4}([a-z][\w-]*)(?: |$)", rest, re.MULTILINE))


@pytest.mark.parametrize(("document", "_program", "words"), all_commands("make"))
def test_every_documented_target_exists(document: str, _program: str, words: list[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    named = [word for word in words if re.fullmatch(r"[a-z-]+", word)]
    assert set(named[:1]) <= set(targets), document


COMMANDS: list[tuple[str, str, list[str]]] = [("entry points", "zonetag", []), ("entry points", "zonetag-gateway", [])]
COMMANDS += all_commands("zonetag", "zonetag-gateway")


@pytest.mark.parametrize(("document", "program", "words"), COMMANDS)
def test_every_documented_command_and_option_exists(document: str, program: str, words: list[str]) -> None:
    command, rest = [program], words
    while rest and rest[0] in (known := choices(help_of(*command))):
        command, rest = [*command, rest[0]], rest[1:]
    if rest and re.fullmatch(r"[a-z][a-z-]+", rest[0]) and known:
        pytest.fail(f"{document}: {program} has no sub-command {rest[0]!r}, but {sorted(known)}")
    for option in rest:
        if option.startswith("--"):
            name = option.split("=")[0].strip("[]")
            assert re.search(rf"{re.escape(name)}\b", help_of(*command)), f"{document}: {' '.join(command)} {name}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_inside_the_repository_leads_somewhere(document: Path) -> None:
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    broken = [target for target in LINK.findall(text) if not (document.parent / target).exists()]
    assert broken == []


def test_the_index_lists_every_document() -> None:
    index = ROOT / "docs/README.md"
    linked = {(index.parent / target).resolve() for target in LINK.findall(index.read_text(encoding="utf-8"))}
    documents = {path for path in DOCUMENTS if path.is_relative_to(ROOT / "docs") and path != index}
    assert documents <= linked, "docs/README.md"


def test_the_reader_of_documents_reads(tmp_path: Path) -> None:
    """The control: what it should find in a document, it finds."""
    document = tmp_path / "x.md"
    document.write_text(
        'Type `make demo` or\n```sh\n$ zonetag serve --broker mqtt://host  # the page\nmake test ARGS="-k x"\n'
        "sudo zonetag-gateway doctor | less\n```\nand `zonetag tap ...`, never `remake x`.\n```toml\nmake = 1\n```\n",
        encoding="utf-8",
    )
    assert list(commands(document)) == [
        ("zonetag", ["serve", "--broker", "mqtt://host"]),
        ("make", ["test", 'ARGS="-k', 'x"']),
        ("zonetag-gateway", ["doctor"]),
        ("make", ["demo"]),
        ("zonetag", ["tap"]),
    ]
    assert choices("usage: zonetag [-h] {serve,demo,tag-reader} ...\n\n{not,these}") == {"serve", "demo", "tag-reader"}
    listed = (
        "usage: zonetag [-h] COMMAND ...\n\ncommands:\n  COMMAND\n    serve  the server\n    tag-reader\n  --not  it\n"
    )
    assert choices(listed) == {"serve", "tag-reader"}
