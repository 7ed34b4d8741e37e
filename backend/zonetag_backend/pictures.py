"""Pictures that somebody sends: only what is surely a PNG or a JPEG of a size that a browser bears.  Pure.

Nothing is decoded here: the head is read for what the file says it is, and how large it would become.
"""

from dataclasses import dataclass, field

from zonetag_backend.errors import BadValue

PNG, JPEG = "image/png", "image/jpeg"
MOST_BYTES = 4 << 20
SIDES = range(50, 8001)  # pixels of width and of height
MOST_PIXELS = 24_000_000  # what a phone's browser still shows: 96 MB decoded

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_FRAMES = {0xC0, 0xC1, 0xC2}  # of JPEG: baseline, extended, progressive, as browsers read them
_ALONE = {0x01, *range(0xD0, 0xD8)}  # markers without a length
_SCAN = 0xDA  # from here on the picture itself


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that was checked."""

    kind: str
    # media type
    width: int
    # pixels
    height: int
    content: bytes = field(repr=False)


def checked(content: bytes) -> Picture:
    """The picture in a file.  BadValue says what it may be."""
    if len(content) > MOST_BYTES:
        raise BadValue(f"a picture has at most {MOST_BYTES >> 20} MB: make it smaller")
    if content.startswith(_PNG):
        kind, size = PNG, _png(content)
    elif content.startswith(b"\xff\xd8\xff"):
        kind, size = JPEG, _jpeg(content)
    else:
        raise BadValue("this is no PNG and no JPEG: save the plan as one of them")
    if size is None:
        raise BadValue("this picture is damaged: save it again")
    width, height = size
    if width not in SIDES or height not in SIDES or width * height > MOST_PIXELS:
        raise BadValue(f"a side has {SIDES[0]} to {SIDES[-1]} pixels, and all at most {MOST_PIXELS // 10**6} million")
    return Picture(kind, width, height, content)


def _png(content: bytes) -> tuple[int, int] | None:
    if content[8:16] != b"\x00\x00\x00\rIHDR" or not content.endswith(_PNG_END):
        return None
    return int.from_bytes(content[16:20]), int.from_bytes(content[20:24])


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 < len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _FRAMES:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        elif marker == _SCAN:
            return None
        else:
            at += 2 + int.from_bytes(content[at + 2 : at + 4])
    return None
