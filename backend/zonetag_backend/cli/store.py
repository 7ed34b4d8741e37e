"""What the commands on the registry share: where it is, one transaction, and lists as text or JSON."""

import argparse
import json
import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from zonetag_backend.clock import utc_ms
from zonetag_backend.config import Config, load
from zonetag_backend.keyfile import asking
from zonetag_backend.keys import Keyring
from zonetag_backend.store.engine import Database, Transaction, open_database, reading, refusals, writing
from zonetag_backend.store.keyring import open_keyring

Parsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


@dataclass(frozen=True, slots=True)
class Desk:
    """An open registry."""

    config: Config
    database: Database
    now_ms: int

    def keyring(self) -> Keyring:
        """The keys of tags; makes the key file if there is no tag yet."""
        return open_keys(self.config, self.database, self.now_ms)


def open_keys(config: Config, database: Database, now_ms: int) -> Keyring:
    """The keyring that the settings say; a passphrase is read from its file, or asked at the terminal."""
    return open_keyring(database, config.key_file, config.key_source, asking(config.passphrase_file), now_ms)


def actor() -> str:
    """Who types the commands, for the audit log."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or _user()}"


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a number without a name, as in a container
        return f"uid {os.getuid()}"


def add_where(parser: argparse.ArgumentParser) -> None:
    """The options that say where the registry is."""
    parser.add_argument("--data", metavar="DIR", help="folder of the database and the key file")
    parser.add_argument("--config", type=Path, metavar="FILE", help="settings, as in deploy/server.example.toml")


def settings(args: argparse.Namespace, **given: object) -> Config:
    """The settings that the options say, others over them."""
    return load(args.config, {"data": args.data, **given})


@contextmanager
def desk(args: argparse.Namespace) -> Iterator[Desk]:
    """The registry that the options say, for one command."""
    config = settings(args)
    database = open_database(config.database)
    try:
        yield Desk(config, database, utc_ms())
    finally:
        database.dispose()


@contextmanager
def changing(args: argparse.Namespace) -> Iterator[tuple[Desk, Transaction]]:
    """The registry and one transaction that changes it."""
    with desk(args) as opened, refusals(opened.database), writing(opened.database) as connection:
        yield opened, connection


@contextmanager
def looking(args: argparse.Namespace) -> Iterator[Transaction]:
    """One transaction that only reads the registry."""
    with desk(args) as opened, reading(opened.database) as connection:
        yield connection


def show(rows: Sequence[Mapping[str, Any]], as_json: bool, columns: Sequence[str]) -> None:
    """Print a list: an array of objects, or columns under their names."""
    if as_json:
        print(json.dumps(list(rows), ensure_ascii=False, indent=1))
        return
    table = [columns, *[[_cell(row[name]) for name in columns] for row in rows]]
    widths = [max(len(line[i]) for line in table) for i in range(len(columns))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
