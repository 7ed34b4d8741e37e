"""Where the pages are served: address, names, TLS.  Beyond this machine there is no way without TLS."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

LOOPBACK = ("127.0.0.1", "::1", "localhost")
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  # what is compared with, and nothing listens by it
# As they stand in a Host header; whoever answers to other names is open to DNS rebinding.
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\]")


@dataclass(frozen=True, slots=True)
class Http:
    """The settings of `[http]`."""

    host: str
    port: int
    # 0 takes a free one
    cert: Path | None
    key: Path | None
    # of TLS, PEM; none: made by the office's own authority, where TLS is needed
    given_names: tuple[str, ...]
    # under which the pages are opened

    @property
    def beyond(self) -> bool:
        """Whether others than this machine reach them."""
        return self.host not in LOOPBACK

    @property
    def tls(self) -> bool:
        """Whether they are served by TLS: always beyond this machine, and where a certificate was given."""
        return self.beyond or self.cert is not None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that the pages answer to; the first is the one to tell people."""
        own = () if self.host in EVERYWHERE else (f"[{self.host}]" if ":" in self.host else self.host,)
        return tuple(dict.fromkeys((*self.given_names, *own, *LOCAL_NAMES)))

    def url(self, port: int) -> str:
        """Address of the pages on a port."""
        return f"{'https' if self.tls else 'http'}://{self.names[0]}:{port}/"


def faults(taken: Mapping[str, object]) -> list[str]:
    """What is wrong with the settings of `[http]` together; each by itself was checked before."""
    found = []
    if bool(taken["http.tls_cert"]) != bool(taken["http.tls_key"]):
        found.append("http.tls_cert and http.tls_key go together: set both, or none")
    if taken["http.host"] in EVERYWHERE and not taken["http.names"]:
        found.append(
            'http.names = []: http.host opens the pages to others; say under which names, as ["zonetag.example.vn"]'
        )
    return found


def names_fault(value: object) -> str:
    """What is wrong with http.names."""
    wanted = 'a list of host names or addresses wanted, in small letters and without ports: ["zonetag.example.vn"]'
    fits = isinstance(value, list) and all(isinstance(each, str) and _NAME.fullmatch(each) for each in value)
    return "" if fits else wanted


def host_fault(value: object) -> str:
    """What is wrong with http.host."""
    fits = isinstance(value, str) and 0 < len(value) <= 253 and value.isprintable() and " " not in value
    return "" if fits else "an address of this machine wanted: 127.0.0.1, or 0.0.0.0 for all of them"
