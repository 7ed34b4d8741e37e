"""A gateway to SMS: takes what a webhook sends, over real HTTP, and answers as it is told to."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class SmsGateway:
    """`answers` are the statuses of the next requests; then all are taken."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.came: list[dict[str, Any]] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status = gateway.answers.pop(0) if gateway.answers else 200
                if status == 200:
                    gateway.came.append(said)
                self.send_response(status)
                self.end_headers()
                self.wfile.write(b"said")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/send"
        # A daemon: an office that fails half made closes nothing, and must not hold up the whole run.
        beat = {"poll_interval": 0.02}
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs=beat, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
