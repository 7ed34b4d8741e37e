"""Speaks to systemd: datagrams to $NOTIFY_SOCKET (sd_notify(3)).  The only file that does; nothing depends on it.

`READY=1` when it works, `STATUS=...` for `systemctl status`, `WATCHDOG=1` to be left alive, `STOPPING=1` at the end.
"""

import logging
import os
import socket
from collections.abc import Mapping
from typing import Self

log = logging.getLogger(__name__)

MAX_STATUS = 200  # characters: one line of `systemctl status`


class Notify:
    """The way to the service manager, or to nobody when there is none."""

    def __init__(self, address: str = "", watchdog_s: float | None = None) -> None:
        """`address` as in $NOTIFY_SOCKET: a path, or @name for an abstract socket."""
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._failed = False
        self.watchdog_s = watchdog_s
        # seconds within which systemd wants to hear from us; None: it does not watch

    @classmethod
    def of(cls, environ: Mapping[str, str], pid: int) -> Self:
        """What systemd has put into the environment of process `pid`."""
        usec = environ.get("WATCHDOG_USEC", "")
        meant = environ.get("WATCHDOG_PID", str(pid)) == str(pid)
        watched = meant and usec.isdigit() and int(usec) > 0
        return cls(environ.get("NOTIFY_SOCKET", ""), int(usec) / 1e6 if watched else None)

    @classmethod
    def here(cls) -> Self:
        """What systemd has told this process."""
        return cls.of(os.environ, os.getpid())

    @property
    def wanted(self) -> bool:
        """Whether anybody listens."""
        return self._address.startswith(("/", "\0"))

    def say(self, *, ready: bool = False, stopping: bool = False, feed: bool = False, status: str = "") -> bool:
        """Tell it; whether it got there.  Never blocks, never raises."""
        lines = [line for line, said in (("READY=1", ready), ("STOPPING=1", stopping), ("WATCHDOG=1", feed)) if said]
        if status:
            lines.append("STATUS=" + " ".join(status.split())[:MAX_STATUS])
        if not lines or not self.wanted:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as link:
                link.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._failed:
                log.warning(
                    "systemd cannot be told (%s): see NotifyAccess= and NOTIFY_SOCKET of the unit",
                    os.strerror(error.errno or 0),
                )
            self._failed = True
            return False
        self._failed = False
        return True
