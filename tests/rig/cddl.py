"""A checker for the subset of CDDL (RFC 8610) that SPEC.md uses: no more, and it says so when it meets more.

Taken: maps with whole-number keys, arrays, `*` and `+`, `#6.N(type)`, ranges, literals, `.size`, `uint`, `int`, `bool`,
`tstr`, `bstr`, and `h'..'` in comments.  It reads what cbor2 decodes without a meaning for tags.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import cbor2

Check = Callable[[Any], bool]
_TOKEN = re.compile(r"#6\.\d+|=>|\.\.|\.size|[A-Za-z][A-Za-z0-9_-]*|\d+|[{}()\[\],:=*+?]")


class NotTaken(Exception):
    """CDDL beyond the subset."""


@dataclass(frozen=True, slots=True)
class Entry:
    least: int
    most: float
    key: Any  # a whole number, or a check of keys, or none in an array
    check: Check


def rules(markdown: str) -> dict[str, Check]:
    """Every rule of the ```cddl blocks of a document."""
    text = "\n".join(re.findall(r"```cddl\n(.*?)```", markdown, re.DOTALL))
    text = re.sub(r";.*", "", text)
    found: dict[str, Check] = {}
    reader = _Reader(text, found)
    while reader.more:
        name = reader.take()
        reader.want("=")
        found[name] = reader.type()
    return found


class _Reader:
    def __init__(self, text: str, known: dict[str, Check]) -> None:
        self._known = known
        self._tokens = _TOKEN.findall(text)
        if re.sub(r"\s+", "", text) != "".join(self._tokens):
            raise NotTaken("characters that no token has")
        self._at = 0

    @property
    def more(self) -> bool:
        return self._at < len(self._tokens)

    def peek(self, ahead: int = 0) -> str:
        at = self._at + ahead
        return self._tokens[at] if at < len(self._tokens) else ""

    def take(self) -> str:
        self._at += 1
        return str(self._tokens[self._at - 1])

    def want(self, token: str) -> None:
        if (found := self.take()) != token:
            raise NotTaken(f"{token!r} wanted, {found!r} found")

    def type(self) -> Check:
        token = self.take()
        if token == "{":
            return _map(self._entries("}"))
        if token == "[":
            return _array(self._entries("]"))
        if token.startswith("#6."):
            self.want("(")
            inner, number = self.type(), int(token[3:])
            self.want(")")
            return lambda value: isinstance(value, cbor2.CBORTag) and value.tag == number and inner(value.value)
        if token.isdigit():
            if self.peek() == "..":
                self.take()
                low, high = int(token), int(self.take())
                return lambda value: type(value) is int and low <= value <= high
            return lambda value: type(value) is int and value == int(token)
        check = self._named(token)
        if self.peek() == ".size":
            self.take()
            size = int(self.take())
            return lambda value: check(value) and len(value) == size
        return check

    def _named(self, name: str) -> Check:
        prelude: dict[str, Check] = {
            "uint": lambda value: type(value) is int and value >= 0,
            "int": lambda value: type(value) is int,
            "bool": lambda value: type(value) is bool,
            "tstr": lambda value: type(value) is str,
            "bstr": lambda value: type(value) is bytes,
        }
        if name in prelude:
            return prelude[name]
        if not name[0].isalpha():
            raise NotTaken(name)
        return lambda value: bool(self._known[name](value))  # a rule may stand before what it names

    def _entries(self, end: str) -> list[Entry]:
        entries = []
        while self.peek() != end:
            least, most = 1, 1.0
            if self.peek() in "*+?":
                least, most = {"*": (0, float("inf")), "+": (1, float("inf")), "?": (0, 1.0)}[self.take()]
            key: Any = None
            if self.peek(1) == ":":
                word = self.take()
                key = int(word) if word.isdigit() else None  # a word names an element of an array, and says nothing
                self.take()
            elif self.peek(1) == "=>":
                key = self.type()
                self.take()
            entries.append(Entry(least, most, key, self.type()))
            if self.peek() == ",":
                self.take()
        self.take()
        return entries


def _map(entries: list[Entry]) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, Mapping):  # the decoder freezes what stands under a tag
            return False
        left = dict(value)
        for entry in entries:
            if isinstance(entry.key, int):
                mine = [key for key in left if type(key) is int and key == entry.key]
            else:
                mine = [key for key in left if entry.key(key)]
            if not entry.least <= len(mine) <= entry.most or not all(entry.check(left.pop(key)) for key in mine):
                return False
        return not left

    return check


def _array(entries: list[Entry]) -> Check:
    def check(value: Any) -> bool:
        if not isinstance(value, list | tuple):
            return False
        at = 0
        for entry in entries:  # no choice in the subset, so the first that fits is right
            count = 0
            while at < len(value) and count < entry.most and entry.check(value[at]):
                at, count = at + 1, count + 1
            if count < entry.least:
                return False
        return at == len(value)

    return check
