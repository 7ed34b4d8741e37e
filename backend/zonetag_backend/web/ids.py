"""Identifiers in addresses."""

LARGEST_ID = 2**63 - 1
NONE = -1  # an identifier that nothing has


def number_in(text: str) -> int:
    """The identifier that a part of an address says; NONE for anything else."""
    plain = text.isascii() and text.isdecimal() and len(text) <= 19
    return int(text) if plain and int(text) <= LARGEST_ID else NONE
