"""`zonetag gateway`: which gateways are believed, and where they stand.  Those that knock are listed too."""

import argparse

from zonetag_backend.cli import gateway_command, gateway_enrol, gateway_revoke, gateway_update
from zonetag_backend.cli.store import Parsers, actor, add_where, changing, looking, show
from zonetag_backend.errors import NotFound
from zonetag_backend.signatures import NOT_ENROLLED
from zonetag_backend.store import audit, gaps, lists, refusals, registry
from zonetag_backend.store.engine import Transaction

# What a first gateway gets that names neither site nor place.
FIRST_SITE = "office"
FIRST_PLACE = "Entrance"


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("gateway", help="gateways: which are believed, and where they stand")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    add = actions.add_parser("add", help="register a gateway; its reports are taken from then on")
    add.add_argument("name", metavar="NAME", help="as in its gateway.toml")
    add.add_argument("--site", help=f"the only one there is; made as {FIRST_SITE!r} if there is none")
    add.add_argument("--place", help=f"made if it is not there; {FIRST_PLACE!r}, an entrance, if not given")
    add.add_argument("--kind", choices=registry.PLACE_KINDS, help="of a place that is made (room)")
    add_where(add)
    add.set_defaults(run=_add)
    listed = actions.add_parser("list", help="all gateways, and those that knock without being registered")
    listed.add_argument("--json", action="store_true", help="as JSON")
    add_where(listed)
    listed.set_defaults(run=_list)
    gateway_enrol.register(actions, _let_in)
    gateway_command.register(actions)
    gateway_update.register(actions)
    gateway_revoke.register(actions)


def _add(args: argparse.Namespace) -> int:
    made: list[str] = []  # told when it is true: after the commit
    with changing(args) as (opened, connection):
        _let_in(connection, args, opened.now_ms, made)
        audit.record(connection, opened.now_ms, actor(), "gateway.add", args.name)
        unsigned = opened.config.allow_unsigned
    for line in made:
        print(line)
    if not unsigned:
        print(f"It is not enrolled, and what it sends is refused until it is: zonetag gateway enrol {args.name}")
    return 0


def _let_in(connection: Transaction, args: argparse.Namespace, now_ms: int, made: list[str]) -> None:
    """Register the gateway of the arguments, with its site and place if they are new."""
    site = args.site or _only_site(connection, made)
    place = args.place or FIRST_PLACE
    if registry.find_place(connection, site, place) is None:
        kind = args.kind or ("room" if args.place else "entrance")
        registry.add_place(connection, site, place, kind)
        made.append(f"Place {place} of site {site} is new, of kind {kind}.")
    registry.add_gateway(connection, args.name, site, place, now_ms)
    made.append(f"Gateway {args.name} is registered. In its gateway.toml: site = {site!r}, name = {args.name!r}")


def _only_site(connection: Transaction, made: list[str]) -> str:
    names = [str(row["name"]) for row in lists.sites(connection)]
    if len(names) > 1:
        raise NotFound(f"which of the sites {', '.join(names)}? Say it with --site")
    if not names:
        registry.add_site(connection, FIRST_SITE)
        made.append(f"Site {FIRST_SITE} is new, with the time of {registry.DEFAULT_TIMEZONE}.")
    return names[0] if names else FIRST_SITE


def _list(args: argparse.Namespace) -> int:
    with looking(args) as connection:
        rows = lists.gateways(connection)
        refused = refusals.totals(connection)
        holes = gaps.every(connection)
    show(rows, args.json, ("name", "site", "place", "online", "refused", "broken", "kept_apart", "revoked"))
    if not args.json:
        for name, codes in refused.items():
            said = ", ".join(f"{code} {n}" for code, n in codes.items())
            print(f"{name or 'Gateways that nobody registered'}: messages refused: {said}")
            if NOT_ENROLLED in codes:
                print(f"{name} is not enrolled. Type: zonetag gateway enrol {name}")
        for gap in holes:
            print(f"{gap.gateway}, boot {gap.boot}: {gap.missing} reports are missing [gap], {gap.lost} lost there")
        for row in rows:
            if row["place"] is None:
                print(
                    f"{row['name']} of site {row['site']} knocks and is not registered there."
                    f" To believe it: zonetag gateway add {row['name']} --site {row['site']} --place PLACE"
                )
    return 0
