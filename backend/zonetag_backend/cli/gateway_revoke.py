"""`zonetag gateway revoke`: a gateway that is stolen, lost or broken counts no longer, at once."""

import argparse
import sys
import time

from zonetag_backend import ca_keeper, kick
from zonetag_backend.cli.store import Parsers, actor, add_where, changing, desk, settings
from zonetag_backend.clock import utc_ms
from zonetag_backend.errors import PkiError
from zonetag_backend.kick import AWAY, KICKED, STALE, Kicker
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki.folder import Folder
from zonetag_backend.store import audit, certificates

WAIT_S = 30.0  # a broker reads its list anew within seconds of its change
SAID = {
    STALE: "The broker has not read the new list yet, so it could come back. On the broker's machine, as root:"
    " systemctl reload mosquitto",
    AWAY: "The broker could not be reached, so its session may go on. zonetag serve goes on trying;"
    " or type this command again.",
}


def register(actions: Parsers) -> None:
    """Add the action to `zonetag gateway`."""
    parser = actions.add_parser("revoke", help="believe a gateway no longer, at once: stolen, lost or broken")
    parser.add_argument("name", metavar="NAME", help="the gateway's")
    parser.add_argument("--reason", default="", metavar="TEXT", help="for the audit log")
    parser.add_argument("--broker", metavar="URL", help="mqtts://HOST[:PORT]")
    parser.add_argument(
        "--wait", type=float, default=WAIT_S, metavar="S", help=f"seconds for the broker ({WAIT_S:.0f})"
    )
    add_where(parser)
    parser.set_defaults(run=_run)


def _run(args: argparse.Namespace) -> int:
    with changing(args) as (opened, connection):
        audit.record(connection, opened.now_ms, actor(), "gateway.revoke", args.name, args.reason)
        certificates.revoke_gateway(connection, args.name, opened.now_ms)
    print(f"{args.name} is revoked: from now on the server refuses whatever it signs.")
    # In a transaction of its own: a damaged authority, or a wrong clock, must not stand in the way of the above.
    with changing(args) as (opened, connection):
        ca = OfficeCa.open(opened.config.data) if Folder(opened.config.data).is_there else None
        if ca is not None:
            revoked = kick.again(connection, ca, args.name, opened.now_ms)
    if ca is None:
        print("There is no certificate authority, so the broker still lets it in: change the passwords of the broker.")
        return 0
    with desk(args) as opened:
        ca.write_crl(revoked.crl)
        try:
            ca_keeper.keep(opened.database, ca, opened.now_ms)
        except PkiError as error:  # the broker's folder is somebody else's, say; the list is in ours
            print(f"zonetag: {error}", file=sys.stderr)
        broker = settings(args, **{"broker.url": args.broker}).broker
        if not broker.tls:
            print(f"{broker.url} asks for no certificate, so nothing keeps {args.name} out there: set broker.url.")
            return 1
        kicker = Kicker(opened.database, ca, broker.host, broker.port, utc_ms, time.sleep)
        found = kicker.kick(revoked, utc_ms() + round(args.wait * 1000))
    if found == KICKED:
        print("The broker refuses its certificate (tried), and its session there has been ended.")
        return 0
    print(SAID[found], file=sys.stderr)
    return 1
