#!/usr/bin/python3
"""Inside the virtual machine: the kernel's management socket for a gateway outside, one for each TCP connection.

relay.py PORT; each packet says how long it is, so none is added in either direction.
"""

import os
import selectors
import socket
import socketserver
import sys

sys.path.insert(0, "/zonetag")
from zonetag_gateway import mgmt, mgmt_socket


class Handler(socketserver.BaseRequestHandler):
    """One connection."""

    request: socket.socket

    def handle(self) -> None:
        """Until either side ends."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kernel = mgmt_socket.connect()
        kernel.setblocking(True)
        choose = selectors.DefaultSelector()
        choose.register(self.request, selectors.EVENT_READ)
        choose.register(kernel, selectors.EVENT_READ)
        held = b""
        while True:
            for key, _ in choose.select():
                if key.fileobj is kernel:
                    self.request.sendall(kernel.recv(mgmt.MAX_PACKET))
                    continue
                more = self.request.recv(65536)
                if not more:
                    return
                held += more
                while len(held) >= (size := mgmt.HEAD.size) and len(held) >= (
                    size := size + mgmt.HEAD.unpack_from(held)[2]
                ):
                    kernel.send(held[:size])
                    held = held[size:]


class Server(socketserver.ForkingTCPServer):
    """Listens."""

    allow_reuse_address = True


with Server(("", int(sys.argv[1])), Handler) as server:
    print("relay", os.getpid(), flush=True)
    server.serve_forever()
