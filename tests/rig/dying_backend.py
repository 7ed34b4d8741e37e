"""A backend that is killed with SIGKILL at its n-th acknowledgement: after the commit, before anybody is told.

Arguments: data folder, broker URL, n.  Run as a process of its own.
"""

import os
import signal
import sys
import threading

from zonetag_backend.clock import utc_ms
from zonetag_backend.config import load
from zonetag_backend.events import Events
from zonetag_backend.ingest import Ingest
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.mqtt import Link
from zonetag_backend.store.engine import open_database
from zonetag_backend.store.writer import Writer
from zonetag_backend.subscriber import Subscriber


class Dying(Link):
    """A link that kills its process instead of sending an acknowledgement."""

    left = 0

    def publish(self, topic: str, payload: bytes) -> bool:
        self.left -= 1
        if self.left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().publish(topic, payload)


def main() -> None:
    folder, broker, count = sys.argv[1:]
    config = load(None, {"data": folder, "broker.url": broker})
    keyring = open_key_file(config.key_file, may_create=False)
    ingest = Ingest(keyring.open, config.search_epochs, config.future_s * 1000)
    subscriber = Subscriber(
        Writer(open_database(config.database), ingest, allow_unsigned=True), Events(), utc_ms, config.queue
    )
    link = Dying(config.broker, config.queue, subscriber.put)
    link.left = int(count)
    subscriber.start(link)
    link.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
