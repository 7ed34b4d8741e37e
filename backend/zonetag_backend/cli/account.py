"""`zonetag account`: who may sign in to the pages.  No password passes through here: a one-time link sets it."""

import argparse
from datetime import UTC, datetime

from zonetag_backend.cli.store import Parsers, actor, add_where, changing, looking, show
from zonetag_backend.config import Config
from zonetag_backend.errors import BadValue
from zonetag_backend.roles import ADMIN, ROLES
from zonetag_backend.store import accounts, links


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("account", help="who may sign in to the pages")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="a new account, and its one-time link")
    add.add_argument("name", metavar="NAME", help="for signing in")
    add.add_argument("--role", choices=ROLES, required=True)
    add_where(add)
    add.set_defaults(run=_add)
    for name, what, run in (
        ("disable", "let it in no longer, at once", _disable),
        ("enable", "let it in again", _enable),
        ("reset", "take password, second factor and sessions away; a new one-time link", _reset),
    ):
        act = actions.add_parser(name, help=what)
        act.add_argument("name", metavar="NAME")
        add_where(act)
        act.set_defaults(run=run)
    link = actions.add_parser("link", help="a one-time link: for a new administrator, or for an account's new password")
    link.add_argument("name", metavar="NAME", nargs="?", help="of an account that is there")
    link.add_argument("--admin", action="store_true", help="whoever opens it names a new administrator")
    add_where(link)
    link.set_defaults(run=_link)
    listed = actions.add_parser("list", help="all accounts")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)


def link_text(config: Config, token: str, lasts_ms: int) -> str:
    """A link for a console, on the address where the pages are served by these settings."""
    lasts = f"{lasts_ms // 60_000} minutes" if lasts_ms < 2 * 3_600_000 else f"{lasts_ms // 3_600_000} hours"
    return f"{config.pages_url}start/{token}\nIt opens once, within {lasts}, and lets whoever has it in."


def _add(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        new = accounts.add(connection, args.name, args.role, opened.now_ms, actor())
        token = links.make(connection, new, args.role, opened.now_ms, links.INVITE_MS, actor())
    print(f"{args.name} is there. Hand this link to them alone:\n{link_text(opened.config, token, links.INVITE_MS)}")
    return 0


def _disable(args: argparse.Namespace) -> int:
    return _set_disabled(args, disabled=True)


def _enable(args: argparse.Namespace) -> int:
    return _set_disabled(args, disabled=False)


def _set_disabled(args: argparse.Namespace, *, disabled: bool) -> int:
    with changing(args) as (opened, connection):
        accounts.set_disabled(connection, accounts.named(connection, args.name), disabled, opened.now_ms, actor())
    print(f"{args.name} is {'disabled, and every session of theirs has ended' if disabled else 'enabled'}.")
    return 0


def _reset(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        who = accounts.named(connection, args.name)
        accounts.reset(connection, who, opened.now_ms, actor())
        token = links.make(connection, who.id, who.role, opened.now_ms, links.INVITE_MS, actor())
    print(f"{args.name} is reset. Hand this link to them alone:\n{link_text(opened.config, token, links.INVITE_MS)}")
    return 0


def _link(args: argparse.Namespace) -> int:
    if args.admin == bool(args.name):
        raise BadValue("say either NAME, of an account that is there, or --admin")
    with changing(args) as (opened, connection):
        who = accounts.named(connection, args.name) if args.name else None
        whose, role = (who.id, who.role) if who else (None, ADMIN)
        lasts_ms = links.INVITE_MS if who else links.FIRST_MS
        token = links.make(connection, whose, role, opened.now_ms, lasts_ms, actor())
    print(link_text(opened.config, token, lasts_ms))
    return 0


def _list(args: argparse.Namespace) -> int:
    with looking(args) as connection:
        found = accounts.all_accounts(connection)
    rows = [
        {
            "name": each.name,
            "role": each.role,
            "disabled": each.disabled,
            "password": bool(each.password),
            "second_factor": each.totp is not None,
            "last_login": _at(each.login_ms),
        }
        for each in found
    ]
    show(rows, args.json, ("name", "role", "disabled", "password", "second_factor", "last_login"))
    return 0


def _at(at_ms: int) -> str | None:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="seconds") if at_ms else None
