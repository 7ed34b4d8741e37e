"""What a check of `zonetag-gateway doctor` comes to."""

from dataclasses import asdict, dataclass
from typing import Any

OK = "ok"
WARN = "warn"  # works, but not as well as it could
FAIL = "fail"  # does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    # its name, a machine code
    level: str
    # OK, WARN or FAIL
    found: str
    # what is there
    to_do: str = ""
    # what to type, unless all is well

    @property
    def ok(self) -> bool:
        """Whether a gateway can run with this."""
        return self.level != FAIL

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return asdict(self)

    def __str__(self) -> str:
        lines = [f"{self.level:<4}  {self.check}: {self.found}"]
        if self.to_do:
            lines.append(f"      -> {self.to_do}")
        return "\n".join(lines)


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, OK, found)


def warn(check: str, found: str, to_do: str) -> Finding:
    """Works, but could be better."""
    return Finding(check, WARN, found, to_do)


def fail(check: str, found: str, to_do: str) -> Finding:
    """Does not work."""
    return Finding(check, FAIL, found, to_do)
