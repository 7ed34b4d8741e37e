"""A disk that forgets: what may be on it after the power is cut behind any operation of a recording.

The recording is strace's, of the real process with the real SQLite.  What a disk may do (the strictest reading of POSIX
that still honours fsync):

- What was written to a file before its last fsync or fdatasync is there.
- Of what came later, any part is there, in any order, each write torn at sectors of 512 bytes.
- A file's making, shortening or removal is there for certain only after its folder was synced.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SECTOR = 512  # bytes: the least that a disk writes whole
TRACED = "openat,pwrite64,write,ftruncate,fallocate,fsync,fdatasync,unlink,unlinkat,rename,renameat,renameat2,pwritev"
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (\d+)(?:<([^>]*)>)?")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
_FILE = re.compile(r"^(\d+)<([^>]*)>")
# What is told of: a database with its journals and its ballast.  Shared memory is made anew by whoever comes first.
_OURS = re.compile(r"^(spool|zonetag)\.db(-wal|-journal|\.ballast)?$")


@dataclass(frozen=True, slots=True)
class Operation:
    """One step of the recording."""

    kind: str
    # "write", "size", "sync", "make", "remove", "sync-folder" or "say"
    file: str
    # its name in the folder
    data: bytes = b""
    # written, or said
    at: int = 0
    # offset of a write; length of "size"


def recording(log: Path, folder: Path) -> Iterator[Operation]:
    """What strace -y -xx has seen happen in `folder`, and what was said on standard output."""
    there: set[str] = set()
    for line in log.read_text().splitlines():
        call = _CALL.match(line)
        if call is None:
            continue  # it failed, or is none
        name, arguments, _, opened = call.groups()
        texts = [_bytes(text) for text in _TEXT.findall(arguments)]
        file = _FILE.match(arguments)
        if name == "openat":
            path = Path(_bytes(opened or "").decode())
            if path.parent != folder or not _OURS.match(path.name) or "O_CREAT" not in arguments:
                continue
            if path.name not in there:
                there.add(path.name)
                yield Operation("make", path.name)
            elif "O_TRUNC" in arguments:
                yield Operation("size", path.name)
            continue
        if name in ("unlink", "unlinkat"):
            path = Path(texts[-1].decode())
            if path.name in there and folder.name in str(path):
                there.discard(path.name)
                yield Operation("remove", path.name)
            continue
        assert name not in ("rename", "renameat", "renameat2", "pwritev") or folder.name not in arguments, line
        if file is None:
            continue
        if name == "write" and file[1] == "1":
            yield Operation("say", "", texts[0])
            continue
        path = Path(_bytes(file[2]).decode())
        if path == folder:
            yield Operation("sync-folder", "")
        elif path.parent == folder and _OURS.match(path.name):
            yield from _on_file(name, path.name, arguments, texts)


def _on_file(name: str, file: str, arguments: str, texts: list[bytes]) -> Iterator[Operation]:
    numbers = [int(number) for number in re.findall(r", (\d+)", _TEXT.sub("", arguments))]
    if name == "pwrite64":
        yield Operation("write", file, texts[0], numbers[-1])
    elif name == "ftruncate":
        yield Operation("size", file, at=numbers[-1])
    elif name == "fallocate":
        yield Operation("size", file, at=numbers[-2] + numbers[-1])
    elif name in ("fsync", "fdatasync"):
        yield Operation("sync", file)
    else:
        raise AssertionError(f"{name} on {file}: this disk does not know how that is kept")


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.replace("\\x", ""))


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    # what an fsync has made certain
    pending: list[Operation] = field(default_factory=list)
    # what came later


@dataclass(slots=True)
class Disk:
    """The state of a disk behind the operations that were done to it."""

    certain: dict[str, _File] = field(default_factory=dict)
    # names that a sync of the folder has made certain
    names: dict[str, _File] = field(default_factory=dict)
    # names as the running system sees them
    moves: list[Operation] = field(default_factory=list)
    # makings and removals since the folder was synced
    made: dict[int, _File] = field(default_factory=dict)
    # the file of each making in `moves`

    def do(self, operation: Operation) -> None:
        """One more operation has happened."""
        match operation.kind:
            case "make":
                self.names[operation.file] = self.made[len(self.moves)] = _File()
                self.moves.append(operation)
            case "remove":
                del self.names[operation.file]
                self.moves.append(operation)
            case "sync-folder":
                self.certain = dict(self.names)
                self.moves.clear()
                self.made.clear()
            case "sync":
                file = self.names[operation.file]
                for pending in file.pending:
                    _apply(file.durable, pending)
                file.pending.clear()
            case "write" | "size":
                self.names[operation.file].pending.append(operation)

    def newest(self) -> dict[str, bytes]:
        """Everything had got there."""
        return {name: _content(file, file.pending) for name, file in self.names.items()}

    def oldest(self) -> dict[str, bytes]:
        """Nothing that was not synced had got there."""
        return {name: bytes(file.durable) for name, file in self.certain.items()}

    def any_other(self, dice: random.Random) -> dict[str, bytes]:
        """Any part of it had got there, some writes in pieces."""
        files = dict(self.certain)
        for number, move in enumerate(self.moves[: dice.randint(0, len(self.moves))]):
            if move.kind == "make":
                files[move.file] = self.made[number]
            else:
                files.pop(move.file, None)
        return {name: _content(file, _some(file.pending, dice)) for name, file in files.items()}


def _some(pending: list[Operation], dice: random.Random) -> list[Operation]:
    share = dice.choice((0.1, 0.5, 0.9))
    chosen: list[Operation] = []
    for operation in pending:
        if dice.random() >= share:
            continue
        if operation.kind == "write" and dice.random() < 0.5:
            sectors = range(0, len(operation.data), SECTOR)
            chosen += [
                Operation("write", operation.file, operation.data[at : at + SECTOR], operation.at + at)
                for at in sectors
                if dice.random() < 0.5
            ]
        else:
            chosen.append(operation)
    return chosen


def _content(file: _File, operations: list[Operation]) -> bytes:
    if not operations:
        return bytes(file.durable)
    data = bytearray(file.durable)
    for operation in operations:
        _apply(data, operation)
    return bytes(data)


def _apply(data: bytearray, operation: Operation) -> None:
    end = operation.at + len(operation.data)
    if operation.kind == "size":
        del data[operation.at :]
    if len(data) < end:
        data.extend(bytes(end - len(data)))
    if operation.kind == "write":
        data[operation.at : end] = operation.data
