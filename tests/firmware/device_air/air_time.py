"""Virtual time that all tags of an air share: a sleep is a question to the air, answered when its time has come."""

import socket

import bluetooth
import world


class Time(world.Time):
    def __init__(self, address):
        super().__init__()
        host, port = address.split(":")
        self._socket = socket.socket()
        self._socket.connect(socket.getaddrinfo(host, int(port))[0][-1])

    def sleep_ms(self, ms):
        self._socket.send(ms.to_bytes(4, "little"))
        if self._socket.recv(1) != b"\1":
            raise world.PowerCut()
        world.Time.sleep_ms(self, ms)
        bluetooth.poll()  # what has come in meanwhile
