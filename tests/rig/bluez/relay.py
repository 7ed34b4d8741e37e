"""The machine's management socket, for a gateway outside: what `zonetag_gateway.mgmt_socket.connect` is inside.

Inside, guest/relay.py opens the kernel's own socket with the gateway's code and passes packets over TCP; here they
become datagrams again, so that the gateway reads what it reads from a kernel.
"""

import contextlib
import socket
import threading
from collections.abc import Callable

from rig.bluez.machine import Machine

from zonetag_gateway import mgmt


def start(machine: Machine) -> None:
    """Start the relay inside, if it does not run."""
    machine.run("mgmt_relay")


def connector(machine: Machine) -> Callable[[], socket.socket]:
    """Opens a management socket of the machine."""
    return connector_to(machine.mgmt_port)


def connector_to(port: int) -> Callable[[], socket.socket]:
    """The same by its port on 127.0.0.1."""

    def connect() -> socket.socket:
        inside = socket.create_connection(("127.0.0.1", port))
        inside.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for pump in (_packets, _stream):
            threading.Thread(target=pump, args=(inside, theirs), daemon=True).start()
        return mine

    return connect


def _packets(inside: socket.socket, outside: socket.socket) -> None:
    """From the machine, packet by packet."""
    with contextlib.suppress(OSError), inside.makefile("rb") as stream:
        while head := stream.read(mgmt.HEAD.size):
            outside.send(head + stream.read(mgmt.HEAD.unpack(head)[2]))
    with contextlib.suppress(OSError):
        outside.shutdown(socket.SHUT_RDWR)
    outside.close()


def _stream(inside: socket.socket, outside: socket.socket) -> None:
    """To the machine, till the gateway closes its end."""
    with contextlib.suppress(OSError):
        while packet := outside.recv(mgmt.MAX_PACKET):
            inside.sendall(packet)
    with contextlib.suppress(OSError):
        inside.shutdown(socket.SHUT_RDWR)
    inside.close()
