"""`zonetag serve`: the server, until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import logging
import shlex
import signal
import sys

from zonetag_backend.app import Backend
from zonetag_backend.cli.store import Parsers, add_where, settings
from zonetag_backend.clock import utc_ms
from zonetag_backend.memory import settle
from zonetag_backend.roles import ADMIN
from zonetag_backend.store import accounts, links, lists
from zonetag_backend.store.audit import SYSTEM
from zonetag_backend.store.engine import reading, writing


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("serve", help="the server: takes reports from the broker, shows the pages")
    parser.add_argument("--broker", metavar="URL", help="mqtt://HOST[:PORT] or mqtts://HOST[:PORT]")
    parser.add_argument("--port", type=int, help="of the pages (8765)")
    parser.add_argument("--database", metavar="URL", help="where it is, if not in the data folder")
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    given = {"broker.url": args.broker, "http.port": args.port, "database": args.database}
    backend = Backend(settings(args, **given), utc_ms)
    asyncio.run(_serve(backend, _as_here(args)))
    return 0


def _as_here(args: argparse.Namespace) -> str:
    """The options by which another command finds the same database."""
    here = [f"--{name} {shlex.quote(str(value))}" for name in ("data", "config") if (value := getattr(args, name))]
    return "".join(f" {option}" for option in here)


async def _serve(backend: Backend, as_here: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with backend:
        _say(f"Pages: {backend.url}   Broker: {backend.config.broker.url}   Ctrl-C stops.")
        for line in await asyncio.to_thread(_what_next, backend, as_here):
            _say(line)
        settle()
        await stop.wait()


def _what_next(backend: Backend, as_here: str) -> list[str]:
    """What to do next, as long as something is missing that nothing works without."""
    next_ = []
    with reading(backend.engine) as connection:
        gateways = [row for row in lists.gateways(connection) if row["place"] is not None]
        tags = lists.tags(connection)
        people = lists.people(connection)
        first = accounts.is_first(connection)
    if first and sys.stderr.isatty():
        with writing(backend.engine) as connection:
            token = links.make(connection, None, ADMIN, utc_ms(), links.FIRST_MS, SYSTEM)
        minutes = links.FIRST_MS // 60_000
        next_.append(f"Nobody can sign in yet. The first administrator opens, within {minutes} minutes, once:")
        next_.append(f"  {backend.url}start/{token}")
    elif first:  # what is no terminal may be a log, which others read
        next_.append(f"Nobody can sign in yet. For a link, type on this machine: zonetag account link --admin{as_here}")
    if not gateways:
        next_.append(f"No gateway is registered. Type: zonetag gateway add NAME{as_here}   (makes site and place too)")
    if not tags:
        next_.append(f"No tag is there. Flash one with ./flash.sh and type: zonetag tag import BUNDLE{as_here}")
    if not people:
        next_.append(f"Nobody is there. Type: zonetag person add NAME --unit UNIT --code CODE{as_here}")
    elif tags and not any(row["person"] for row in tags):
        next_.append(f"Nobody wears a tag. Type: zonetag tag give NUMBER PERSON{as_here}")
    return next_


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
