"""Ports for servers that must be told theirs before they begin."""

import socket


def hold() -> socket.socket:
    """A port (`.getsockname()[1]`) that the machine gives to nobody else until this is closed.

    Between the question for a free port and the server's beginning, or between two lives of a server that is killed,
    another program would get it; even a client of that server, who then talks to themselves.  Whoever says
    SO_REUSEADDR, as servers do, may listen there all the same.
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    return held
