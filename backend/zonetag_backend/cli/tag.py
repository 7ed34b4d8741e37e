"""`zonetag tag`: tags, their keys and who wears them.  No command prints a key."""

import argparse
import os
import sys
from pathlib import Path

from zonetag_backend.cli import tag_firmware, tag_link, tag_settings
from zonetag_backend.cli.store import Desk, Parsers, actor, add_where, changing, desk, show
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.importkey import open_import_key, public_pem
from zonetag_backend.store import audit, consent_ledger, lists, registry, tagbundle, tags
from zonetag_backend.store.engine import Transaction, reading
from zonetag_backend.store.retention import horizon_ms
from zonetag_protocol import advert
from zonetag_protocol.card import Card, pack
from zonetag_protocol.frame import DEFAULT_TX_DBM, TEST_COMPANY

# What a card says of advertising when nobody asks for other values.
MOVING_MS = 250
REST_MS = 1000


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("tag", help="tags, and who wears them")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _register_add(actions)
    taken = actions.add_parser("import", help="the tags of a bundle, as flash.sh writes it")
    taken.add_argument("bundle", type=Path, metavar="BUNDLE")
    add_where(taken)
    taken.set_defaults(run=_import)
    key = actions.add_parser("key", help="print the public key to which bundles are sealed")
    add_where(key)
    key.set_defaults(run=_key)
    give = actions.add_parser("give", help="somebody wears the tag from now on")
    give.add_argument("number", metavar="NUMBER")
    give.add_argument("person", metavar="PERSON", help="staff number, or name if only one has it")
    add_where(give)
    give.set_defaults(run=_give)
    for name, change, said, text in (
        ("take", tags.take_back, "nobody wears it now", "nobody wears the tag from now on"),
        ("lost", tags.lose, "is lost: nobody wears it, and it is still listened for", "the tag is lost"),
        ("retire", tags.retire, "is out of use: it is no longer resolved", "the tag is out of use for good"),
    ):
        action = actions.add_parser(name, help=text)
        action.add_argument("number", metavar="NUMBER")
        add_where(action)
        action.set_defaults(run=_change, change=change, said=said)
    listed = actions.add_parser("list", help="all tags and who wears them")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)
    for more in (tag_link, tag_settings, tag_firmware):
        more.register(actions)


def _register_add(actions: Parsers) -> None:
    add = actions.add_parser("add", help="a new tag, with a new key unless one is given")
    add.add_argument("number", metavar="NUMBER", help="printed on it")
    add.add_argument("--key-file", type=Path, metavar="FILE", help="its key, 32 hexadecimal digits in a file")
    add.add_argument("--key", metavar="HEX", help="its key; others on this machine may see it: better --key-file")
    add.add_argument(
        "--eddystone", action="store_true", help="a plain Eddystone-EID badge; the key is its identity key"
    )
    add.add_argument(
        "--clock",
        type=int,
        metavar="S",
        help="second at which the tag's clock stands now (a badge says it when it is set up)",
    )
    add.add_argument("--person", metavar="PERSON", help="who wears it: staff number, or name if only one has it")
    add.add_argument("--card", type=Path, metavar="FILE", help="write the provisioning card there (it holds the key)")
    add_where(add)
    add.set_defaults(run=_add)


def _add(args: argparse.Namespace) -> int:
    if args.eddystone and args.card:
        raise BadValue("a badge takes no provisioning card; leave out --card")
    key = _given_key(args)
    with changing(args) as (opened, connection):
        keyring = opened.keyring()
        if key is not None:
            tags.check_new_key(tags.known_keys(connection, keyring), key)
        new = tags.add_tag(
            connection,
            keyring,
            args.number,
            opened.now_ms,
            kind=advert.EDDYSTONE_EID if args.eddystone else advert.ZONETAG,
            master=key,
            t0=tags.FIRST_SECOND if args.clock is None else args.clock,
        )
        audit.record(connection, opened.now_ms, actor(), "tag.add", args.number)
        lacking: tuple[str, ...] = ()
        if args.person:
            who = registry.find_person(connection, args.person)
            tags.hand_out(connection, keyring, new.id, who, opened.now_ms)
            lacking = _given(opened, connection, args.number, who)
        if args.card:
            # Inside the transaction: without its card nobody has the key, and the tag is not added.
            _write_card(
                args.card, Card(args.number, new.master, new.t0, MOVING_MS, REST_MS, TEST_COMPANY, DEFAULT_TX_DBM)
            )
    print(f"Tag {args.number} is there.")
    _warn(args.person, lacking)
    return 0


def _given_key(args: argparse.Namespace) -> bytes | None:
    if args.key and args.key_file:
        raise BadValue("give --key or --key-file, not both")
    text = args.key
    if args.key_file:
        try:
            text = args.key_file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            raise BadValue(f"cannot read a key in {args.key_file}: {error}") from error
    if text is None:
        return None
    try:
        return bytes.fromhex(text.strip())
    except ValueError as error:  # said without the text: a mistyped key is nearly a key
        raise BadValue("a key is 32 hexadecimal digits") from error


def _write_card(path: Path, card: Card) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise AlreadyThere(f"{path} is there already, perhaps another tag's card: choose another file") from None
    except OSError as error:
        raise BadValue(f"cannot write {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(pack(card))
        file.flush()
        os.fsync(file.fileno())


def _import(args: argparse.Namespace) -> int:
    try:
        lines = args.bundle.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadValue(f"cannot read the bundle {args.bundle}: {error}") from error
    with changing(args) as (opened, connection):
        private, keyring = open_import_key(opened.config.data), opened.keyring()
        try:
            taken = tagbundle.take_in(connection, keyring, private, lines, (actor(), opened.now_ms))
        except tagbundle.Refused as refused:
            raise BadValue(
                f"line {refused.line} of {args.bundle}: {refused}. Nothing was imported. A bundle is opened by the"
                " backend whose public key the flashing machine was given (zonetag tag key)."
            ) from refused
    print(f"{taken.added} tags are new, {taken.known} were there already.")
    return 0


def _key(args: argparse.Namespace) -> int:
    with desk(args) as opened:
        print(public_pem(opened.config.data), end="")
    return 0


def _give(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        who = registry.find_person(connection, args.person)
        tags.hand_out(connection, opened.keyring(), tags.find_tag(connection, args.number), who, opened.now_ms)
        lacking = _given(opened, connection, args.number, who)
    print(f"{args.person} wears tag {args.number} from now on.")
    _warn(args.person, lacking)
    return 0


def _given(opened: Desk, connection: Transaction, number: str, who: int) -> tuple[str, ...]:
    """Record that somebody got a tag; what they have not agreed to."""
    audit.record(connection, opened.now_ms, actor(), "tag.give", number, f"person {who}")
    if not opened.config.subjects.consent_required:
        return ()
    return consent_ledger.note_handed_out(connection, who, actor(), opened.now_ms)


def _warn(person: str, lacking: tuple[str, ...]) -> None:
    if lacking:
        print(
            f"WARNING: {person} has not agreed to: {', '.join(lacking)}. Note the signed form at /agreements of"
            " the pages, or take the tag back.",
            file=sys.stderr,
        )


def _change(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        args.change(connection, opened.keyring(), tags.find_tag(connection, args.number), opened.now_ms)
        audit.record(connection, opened.now_ms, actor(), "tag.state", args.number, args.said)
    print(f"Tag {args.number}: {args.said}.")
    return 0


def _list(args: argparse.Namespace) -> int:
    with desk(args) as opened, reading(opened.database) as connection:
        floor_ms = horizon_ms(opened.now_ms, opened.config.retention_days)
        show(lists.tags(connection, floor_ms), args.json, ("number", "kind", "state", "person", "code", "confirmed"))
    return 0
