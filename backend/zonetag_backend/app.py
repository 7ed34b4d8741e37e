"""The server in one object: broker, writer and pages together.  With the commands, the outermost file."""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, replace
from types import TracebackType

import uvicorn

from zonetag_backend import audit_keeper, backupfolder, pages_tls
from zonetag_backend.backup import back_up_when_due
from zonetag_backend.ca_watch import CaWatch
from zonetag_backend.config import Config
from zonetag_backend.doors import Doors
from zonetag_backend.enrolment_server import EnrolmentServer
from zonetag_backend.errors import ConfigError
from zonetag_backend.events import Events
from zonetag_backend.housekeeping import Chore, keep_house
from zonetag_backend.ingest import Ingest
from zonetag_backend.keyfile import asking
from zonetag_backend.mqtt import Link
from zonetag_backend.pki.client import with_own
from zonetag_backend.pki.profile import BACKEND_NAME
from zonetag_backend.provisioning import provision_of
from zonetag_backend.relay import Sites
from zonetag_backend.signingkey import open_signing_key
from zonetag_backend.store import reminders
from zonetag_backend.store.contact_repair import JUDGE_EVERY_S, Repair
from zonetag_backend.store.engine import Database, open_database
from zonetag_backend.store.keyring import open_keyring
from zonetag_backend.store.link_desk import Desk
from zonetag_backend.store.notices import TELL_EVERY_S, tell
from zonetag_backend.store.retention import DAY_MS, expire
from zonetag_backend.store.writer import Writer
from zonetag_backend.subscriber import Subscriber
from zonetag_backend.web.app import make_app
from zonetag_backend.web.casework import LOOK_EVERY_S, CaseSettings
from zonetag_backend.web.paperwork import PaperSettings

log = logging.getLogger(__name__)

_GOODBYE_S = 2  # how long open pages may take to end


class Backend:
    """`async with Backend(config, clock) as backend:` serves until the block is left.

    `config` from `zonetag_backend.config.load(None, {"data": ..., "broker.url": ..., "http.port": 0})`;
    `clock` gives UTC in ms; `demo`: pages without accounts, of a simulated office on this machine.
    """

    def __init__(self, config: Config, clock: Callable[[], int], *, demo: bool = False) -> None:
        self.config = config
        self._demo = demo
        self.clock = clock
        self.events = Events()
        self.doors = Doors()
        self.engine: Database
        # the store, once entered
        self._port = config.port

    @property
    def url(self) -> str:
        """Address of the pages, once entered (with the port that was taken, for port 0)."""
        return self.config.http.url(self._port)

    @property
    def connected(self) -> bool:
        """Whether the broker has taken us."""
        return self._link.connected

    def counters(self) -> dict[str, int | dict[str, int]]:
        """Since the start: reports, windows, observations, rejected by reason, duplicates, refused, malformed..."""
        counters = self._subscriber.counters()
        # `asdict` would take the Counter of reasons apart and put it together wrongly.
        whole = asdict(replace(counters, rejected=Counter(), unsigned=Counter()))
        link = {} if self._desk is None else dict(self._desk.counts)
        return whole | {"rejected": dict(counters.rejected), "unsigned": dict(counters.unsigned), "link": link}

    async def __aenter__(self) -> "Backend":
        config = self.config
        # The port first: another server that is already running is the likeliest fault, and told before anything else.
        listening = self._listen()
        try:
            self.engine = await asyncio.to_thread(open_database, config.database)
            await asyncio.to_thread(pages_tls.renew, self.engine, config.http, config.data, self.clock())
            ask = asking(config.passphrase_file)
            source = (config.key_file, config.key_source, ask, self.clock())
            keyring = await asyncio.to_thread(open_keyring, self.engine, *source)
            self._keyring = keyring
            ingest = Ingest(keyring.open, config.search_epochs, config.future_s * 1000, config.retention_days * DAY_MS)
            signing = await asyncio.to_thread(open_signing_key, config.signing_key_file)
            self._signing = signing
            self._desk = Desk(ingest, config.link_every_s) if config.link_every_s else None
            writer = Writer(
                self.engine, ingest, allow_unsigned=config.allow_unsigned, far=Sites(config.near_sites), desk=self._desk
            )
            self._repair = Repair(self.engine, keyring.open, config.search_epochs, config.retention_days)
            self._subscriber = Subscriber(
                writer, self.events, self.clock, config.queue, signing, doors=self.doors, clocks=self._repair.note
            )
            self._ca = CaWatch(self.engine, config, self.clock)
            await asyncio.to_thread(self._ca.look)  # our own certificate may have ended while we were away
            broker = with_own(config.broker, config.data, BACKEND_NAME)
            self._link = Link(broker, config.queue, self._subscriber.put)
            self._server = self._pages()
        except BaseException:
            listening.close()
            raise
        self._subscriber.start(self._link)
        self._link.start()
        self._serving = asyncio.create_task(self._server.serve(sockets=[listening]))
        self.enrolment = EnrolmentServer(config, self.engine, signing.public_key().public_bytes_raw(), self.clock)
        await self.enrolment.start()
        self._watching = asyncio.create_task(self._ca.run())
        self._house = asyncio.create_task(keep_house(self._chores(), self.clock))
        errands: tuple[tuple[str, Chore], ...] = (
            ("sending notices", lambda _: tell(self.engine, config.notices, self.clock)),
            ("sending reminders", lambda _: reminders.tell(self.engine, config.notices, self.clock)),
        )
        looks: tuple[tuple[str, Chore], ...] = (("tracing open cases again", self._look),)
        clocks: tuple[tuple[str, Chore], ...] = (("judging contact records", self._repair.look),)
        self._looking = asyncio.create_task(keep_house(looks, self.clock, LOOK_EVERY_S))
        self._clocks = asyncio.create_task(keep_house(clocks, self.clock, JUDGE_EVERY_S))
        self._telling = asyncio.create_task(keep_house(errands, self.clock, TELL_EVERY_S))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._house.cancel()
        self._telling.cancel()
        self._looking.cancel()
        self._clocks.cancel()
        # From the source on: nothing new comes in, what came is finished, then the pages end.
        self._ca.stop()
        self._watching.cancel()
        await self.enrolment.stop()
        await asyncio.to_thread(self._stop)
        self.events.close()
        self._server.should_exit = True
        await self._serving
        self.engine.dispose()

    def _chores(self) -> tuple[tuple[str, Chore], ...]:
        config = self.config
        return (
            ("the certificate of the pages", self._renew_certificate),
            ("expiry", lambda now_ms: _expire(self.engine, now_ms, config.retention_days)),
            ("judging contact records again", self._repair.run),
            (
                "the audit log",
                lambda now_ms: audit_keeper.keep(
                    self.engine, self._signing, config.checkpoint_dir, config.audit_retention_days, now_ms
                ),
            ),
            ("the backup", lambda now_ms: back_up_when_due(config, self.engine, now_ms)),
        )

    def _stop(self) -> None:
        self._subscriber.stop()
        self._link.stop()

    def _listen(self) -> socket.socket:
        config = self.config
        family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((config.host, config.port))
            listening.listen(128)  # so that a page asked for from now on waits for the server, and is not refused
        except OSError as error:
            listening.close()
            raise ConfigError(
                f"cannot serve pages at {config.host}:{config.port}: {error.strerror}."
                " Is another zonetag running? Choose another port with --port."
            ) from error
        self._port = listening.getsockname()[1]
        return listening

    def _pages(self) -> "_Server":
        http = self.config.http
        cert, key = pages_tls.files(http, self.config.data)
        self._web = make_app(
            self.engine,
            self.clock,
            self.events,
            http.names,
            demo=self._demo,
            keyring=self._keyring,
            second_officer=self.config.second_officer,
            doors=self.doors,
            subjects=replace(
                self.config.subjects, note_erased=self._note_erased, audit_days=self.config.audit_retention_days
            ),
            paperwork=PaperSettings.of(self.config),
            provision=provision_of(self.config),
            cases=CaseSettings(
                self.config.profiles, self.config.retention_days, self.config.notices, lambda: self._signing
            ),
        )
        settings = uvicorn.Config(
            self._web,
            ssl_certfile=cert if http.tls else None,
            ssl_keyfile=key if http.tls else None,
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_GOODBYE_S,
        )
        try:
            settings.load()  # so that its TLS can be given a renewed certificate
        except OSError as error:
            raise ConfigError(f"the certificate of the pages ({cert}, {key}) cannot be used: {error}") from error
        return _Server(settings)

    def _look(self, now_ms: int) -> None:
        self._web.state.desk.cases.look(now_ms)

    def _note_erased(self, who: int) -> None:
        backupfolder.note_erased([who], self.config.data, self.config.backup_dir)

    def _renew_certificate(self, now_ms: int) -> None:
        http = self.config.http
        if pages_tls.renew(self.engine, http, self.config.data, now_ms) and self._server.config.ssl is not None:
            self._server.config.ssl.load_cert_chain(*pages_tls.files(http, self.config.data))


def _expire(engine: Database, now_ms: int, days: int) -> None:
    gone = expire(engine, now_ms, days)
    if gone:
        log.info("expired: %s", ", ".join(f"{table} {rows}" for table, rows in sorted(gone.items())))


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever runs the backend decides what Ctrl-C does."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them alone."""
        yield
