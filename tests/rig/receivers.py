"""Receivers of notices: a real HTTP server and a real SMTP conversation; and notices that wait to be sent."""

import socketserver
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rig.world import BEGIN_MS, DAY_MS, World

from zonetag_backend.store import notices
from zonetag_backend.store.engine import writing

SECRET = b"a secret of sixteen bytes and more"
NOW_MS = BEGIN_MS + DAY_MS


class _Receiver:
    """A server in a thread of its own, until it is closed."""

    server: socketserver.TCPServer

    def _serve(self) -> None:
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Receiver(_Receiver):
    """A receiver of webhooks: answers what `answers` says, then 200."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.lies: dict[str, str] = {}  # headers of the next answer that do not fit it
        self.came: list[tuple[dict[str, str], bytes]] = []
        self.kills: subprocess.Popen[str] | None = None  # who does not live to hear the answer
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.came.append((dict(self.headers), body))
                if receiver.kills is not None:
                    receiver.kills.kill()
                    receiver.kills.wait()
                    receiver.kills = None
                self.send_response(receiver.answers.pop(0) if receiver.answers else 200)
                self.send_header("Location", "/elsewhere")
                for name, value in receiver.lies.items():
                    self.send_header(name, value)
                receiver.lies = {}
                self.end_headers()
                self.wfile.write(b"said")

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/notices?from=zonetag"
        self._serve()


class PostOffice(_Receiver):
    """As much of an SMTP server (RFC 5321) as a client needs that has one message."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, str]] = []  # recipient, what came after DATA
        self.refuse = False
        self.goodbye = "221 bye"  # empty: hangs up
        office = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                def say(line: str) -> None:
                    self.wfile.write(line.encode() + b"\r\n")

                say("220 here")
                recipient = ""
                while line := self.rfile.readline().decode():
                    word = line.split()[0].upper()
                    if word == "RCPT":
                        recipient = line.split("<")[1].split(">")[0]
                        say("550 nobody" if office.refuse else "250 ok")
                    elif word == "DATA":
                        say("354 go on")
                        lines = []
                        while (more := self.rfile.readline().decode()) != ".\r\n":
                            lines.append(more)
                        office.messages.append((recipient, "".join(lines)))
                        say("250 taken")
                    elif word == "QUIT":
                        if office.goodbye:
                            say(office.goodbye)
                        return
                    else:
                        say("250 ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.url = f"smtp://127.0.0.1:{self.server.server_address[1]}"
        self._serve()


def in_line(world: World, case: int, *channels: str) -> int:
    """Put notices of a case in line; how many."""
    with writing(world.database) as connection:
        return notices.compose(connection, case, list(channels), language="vi", office="Văn phòng", now_ms=NOW_MS)
