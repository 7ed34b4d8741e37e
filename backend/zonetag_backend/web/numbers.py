"""Numbers as they come in addresses and forms."""

LARGEST_ID = 2**63 - 1


def id_of(text: str) -> int:
    """An id of the database; -1, which is nobody's, for anything else."""
    known = text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID
    return int(text) if known else -1


def page_of(text: str, rows: int, each: int) -> tuple[int, int, slice]:
    """The page asked for, brought within what there is; how many there are; its part of the rows."""
    pages = max(1, -(-rows // each))
    asked = int(text) if text.isascii() and text.isdecimal() and len(text) <= 6 else 1
    page = min(max(1, asked), pages)
    return page, pages, slice((page - 1) * each, page * each)
