"""Whether a file is the archive of a firmware, before any tag is told of it (SPEC.md section 12.7).  Pure.

| bytes | what |
|---|---|
| 1 | length of the name |
| n | name, `zonetag_tag/app.mpy` say |
| 4 | length of the module, big-endian |
| m | the module, compiled: begins with `M` |

and so on to the end.
"""

MOST_BYTES = 512 * 1024  # a tag has no room for more
PACKAGES = ("zonetag_tag", "zonetag_protocol")
NEEDED = ("zonetag_tag/app.mpy", "zonetag_protocol/link.mpy")  # a tag without these could never be reached again
COMPILED = b"M"  # first byte of a module that MicroPython has compiled

EMPTY = "empty"  # what is wrong
TOO_LARGE = "too-large"
NOT_ONE = "not-an-archive"
CUT = "cut-short"
FOREIGN = "foreign-module"  # about: its name
TWICE = "twice"  # about: the name
SOURCE = "not-compiled"  # about: the name
LACKING = "lacking"  # about: what

_LENGTH = 4


def wrong(data: bytes) -> tuple[str, str]:
    """What is wrong with it, and about which module; ("", "") when a tag could start it."""
    if not data:
        return EMPTY, ""
    if len(data) > MOST_BYTES:
        return TOO_LARGE, ""
    at, names = 0, set[str]()
    while at < len(data):
        begin = at + 1 + data[at]
        name = data[at + 1 : begin]
        folder, slash, module = name.partition(b"/")
        if not name.isascii() or not slash:
            return (CUT, "") if names else (NOT_ONE, "")
        text = name.decode()
        if begin + _LENGTH > len(data):
            return CUT, text
        if folder.decode() not in PACKAGES or b"/" in module or not module.endswith(b".mpy"):
            return FOREIGN, text
        if text in names:
            return TWICE, text
        at = begin + _LENGTH + int.from_bytes(data[begin : begin + _LENGTH], "big")
        if at > len(data):
            return CUT, text
        if data[begin + _LENGTH : begin + _LENGTH + 1] != COMPILED:
            return SOURCE, text
        names.add(text)
    lacking = [name for name in NEEDED if name not in names]
    return (LACKING, ", ".join(lacking)) if lacking else ("", "")
