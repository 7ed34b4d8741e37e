"""The one tree of errors of the wire format.  Each class says whose fault it is, by a machine `code`.

Runs on CPython and MicroPython.
"""


class ZonetagError(Exception):
    """Any refusal by this package."""

    code = "error"


class NotOurs(ZonetagError):
    """Well formed, but something that this system does not speak for (another beacon, a phone, another topic)."""

    code = "not-ours"


class Malformed(ZonetagError):
    """The bytes break their own format: a length past the end, a field of the wrong size."""

    code = "malformed"


class Unknown(ZonetagError):
    """Right in form, but no key, gateway or name on record explains it."""

    code = "unknown"


class Forged(ZonetagError):
    """An authenticator or signature does not fit the bytes it covers."""

    code = "forged"


class Stale(ZonetagError):
    """Authentic, but not fresh: replayed, or from a clock that cannot be right."""

    code = "stale"
