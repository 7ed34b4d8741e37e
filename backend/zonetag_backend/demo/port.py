"""A port for the page: the wanted one, or the next that is free."""

import socket

TRIES = 100


def free_port(wanted: int, host: str = "127.0.0.1") -> int:
    """`wanted` if nobody listens there, or the next free one above it; OSError when a hundred are taken."""
    for port in range(wanted, min(wanted + TRIES, 1 << 16)):
        with socket.socket() as probe:
            # As servers do: a port whose last connections are still timing out is free.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"ports {wanted} to {wanted + TRIES - 1} are all taken: choose another with --port")
