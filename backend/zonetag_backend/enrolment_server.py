"""The HTTPS listener of enrolment: its certificate, its socket, from `start` to `stop`."""

import asyncio
import contextlib
import logging
import platform
import socket
from collections.abc import Callable, Generator
from pathlib import Path
from urllib.parse import urlsplit

import uvicorn

from zonetag_backend.config import Config
from zonetag_backend.enrolment import Registrar
from zonetag_backend.errors import ConfigError, PkiError
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import authority, profile
from zonetag_backend.pki.folder import PRIVATE, Folder, certificate_in, write
from zonetag_backend.store.engine import Database, writing
from zonetag_backend.web.enrolment import make_app

log = logging.getLogger(__name__)

FILE = "enrolment.pem"  # in pki/: key and chain
UPDATES = "updates"  # folder of packages beside the database, each named after its SHA-256
LOOK_S = 3600.0
CONNECTIONS = 64  # at once
MQTTS_PORT = 8883  # IANA
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def url_of(config: Config) -> str:
    """How gateways reach the listener."""
    if config.enrolment_url:
        return config.enrolment_url
    if config.enrolment_listen is None:
        raise ConfigError('enrolment is off: set listen = "0.0.0.0:8770" under [enrolment], and restart zonetag serve')
    host, port = config.enrolment_listen
    host = platform.node() if host in ("0.0.0.0", "::") else host  # noqa: S104  # compared, not listened on
    return f"https://{f'[{host}]' if ':' in host else host}:{port}"


def broker_of(config: Config) -> str:
    """How gateways reach the broker, as far as that can be known: what is ours by loopback is theirs by our name."""
    broker = config.broker
    if broker.host not in LOOPBACK:
        return broker.url
    host = urlsplit(url_of(config)).hostname or ""
    port = broker.port if broker.tls else MQTTS_PORT
    return f"mqtts://{f'[{host}]' if ':' in host else host}:{port}"


class EnrolmentServer:
    """Listens, if the settings say where and there is an authority."""

    def __init__(self, config: Config, database: Database, backend_key: bytes, clock: Callable[[], int]) -> None:
        self._config = config
        self._database = database
        self._backend_key = backend_key
        self._clock = clock
        self._server: _Server | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.port = 0
        # the one that was taken, for port 0

    async def start(self) -> None:
        """Begin.  ConfigError when the address cannot be had."""
        listen = self._config.enrolment_listen
        if listen is None:
            return
        try:
            ca = OfficeCa.open(self._config.data)
        except PkiError as error:
            log.error("gateways cannot be enrolled: %s", error)
            return
        bound = _bound(*listen)
        self.port = bound.getsockname()[1]
        path = await asyncio.to_thread(self._certificate, ca)
        registrar = Registrar(self._database, ca, self._backend_key, broker_of(self._config), self._clock)
        settings = uvicorn.Config(
            make_app(registrar, self._clock, self._config.data / UPDATES),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            ssl_certfile=str(path),
            timeout_keep_alive=5,
            timeout_graceful_shutdown=2,
            limit_concurrency=CONNECTIONS,
        )
        self._server = _Server(settings)
        self._tasks = [
            asyncio.create_task(self._server.serve(sockets=[bound])),
            asyncio.create_task(self._refresh(ca, settings)),
        ]
        log.info("gateways are enrolled at %s", url_of(self._config))

    async def stop(self) -> None:
        """End."""
        if self._server is None:
            return
        self._server.should_exit = True
        self._tasks[1].cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _refresh(self, ca: OfficeCa, settings: uvicorn.Config) -> None:
        """A new certificate in time, shown to whoever connects from then on."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                path = await asyncio.to_thread(self._certificate, ca)
            except Exception:  # the listener goes on with the one that it has
                log.exception("the certificate of enrolment cannot be renewed")
                continue
            if settings.ssl is not None:
                settings.ssl.load_cert_chain(path)

    def _certificate(self, ca: OfficeCa) -> Path:
        """Key and chain of the listener; new ones when they end soon, or are of other names or another authority."""
        path = Folder(self._config.data).path / FILE
        hosts = list(dict.fromkeys([urlsplit(url_of(self._config)).hostname or "localhost", *LOOPBACK]))
        there = certificate_in(path)
        now_ms = self._clock()
        if there is not None:
            start_ms, end_ms = authority.span_ms(there)
            ours = there.issuer == ca.opened.issuing.certificate.subject
            named = authority.common_name(there) == hosts[0]
            if ours and named and start_ms <= now_ms < end_ms - profile.RENEW_LEFT_MS:
                return path
        with writing(self._database) as connection:
            made = ca.server(connection, hosts, now_ms)
        write(path, made, PRIVATE)
        return path


def _bound(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise ConfigError(
            f"cannot enrol gateways at {host}:{port}: {error.strerror}. Set another address in enrolment.listen."
        ) from error
    return made


class _Server(uvicorn.Server):
    """uvicorn without its own signal handlers: whoever runs the backend decides what Ctrl-C does."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave them alone."""
        yield
