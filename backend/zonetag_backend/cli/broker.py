"""`zonetag broker`: a complete configuration for mosquitto, with the certificate that the broker shows."""

import argparse
import re
from pathlib import Path, PurePosixPath

from zonetag_backend import ca_keeper
from zonetag_backend.ca_keeper import BrokerFolder
from zonetag_backend.cli.store import Parsers, actor, add_where, desk
from zonetag_backend.errors import PkiError
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.pki import mosquitto
from zonetag_backend.pki.folder import PUBLIC, write
from zonetag_backend.store import audit
from zonetag_backend.store.engine import refusals, writing

_HOST = re.compile(r"[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*")
INSTALLED, PERSISTENCE = "/etc/mosquitto/zonetag", "/var/lib/mosquitto"


def register(commands: Parsers) -> None:
    """Add the command to the command line."""
    parser = commands.add_parser("broker", help="the MQTT broker: its configuration and certificate")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    config = actions.add_parser("config", help="write everything that mosquitto needs; zonetag serve keeps it fresh")
    config.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="where to write, as /var/lib/zonetag/broker"
    )
    config.add_argument(
        "--host",
        nargs="+",
        required=True,
        metavar="NAME",
        help="names and addresses by which gateways reach the broker",
    )
    config.add_argument("--port", type=int, default=mosquitto.PORT, help=f"({mosquitto.PORT})")
    config.add_argument(
        "--installed", default=INSTALLED, metavar="DIR", help=f"where the files will be for mosquitto ({INSTALLED})"
    )
    config.add_argument(
        "--persistence", default=PERSISTENCE, metavar="DIR", help=f"folder of mosquitto's database ({PERSISTENCE})"
    )
    add_where(config)
    config.set_defaults(run=_config)


def _config(args: argparse.Namespace) -> int:
    for name in (args.installed, args.persistence, str(args.out)):
        if "\n" in name or not name:
            raise PkiError(f"{name!r} is no folder")
    if not 0 < args.port < 1 << 16:
        raise PkiError(f"{args.port} is no port: 1 to 65535")
    for name in args.host:
        if not _HOST.fullmatch(name):
            raise PkiError(f"{name!r} is no name or address of a machine: as broker.office.lan or 192.168.1.10")
    out = args.out.absolute()
    place = mosquitto.Place(PurePosixPath(args.installed), PurePosixPath(args.persistence), args.port)
    with desk(args) as opened, refusals(opened.database):
        ca = OfficeCa.open(opened.config.data)
        write(out / mosquitto.CONF, mosquitto.conf(place).encode(), PUBLIC)
        write(out / mosquitto.ACL, mosquitto.acl().encode(), PUBLIC)
        ca_keeper.remember_broker(ca.folder, BrokerFolder(out, args.host, args.port))
        ca_keeper.keep(opened.database, ca, opened.now_ms)
        with writing(opened.database) as connection:
            audit.record(connection, opened.now_ms, actor(), "broker.config", out)
    print(f"Written to {out}: {', '.join(sorted(path.name for path in out.iterdir() if path.name[0] != '.'))}")
    print("To install it: docs/en/security-setup.md. In short, as root on this machine:")
    print(f"  cp deploy/systemd/zonetag-broker.* /etc/systemd/system/   # set DIR in both to {out}")
    print("  mkdir -p /etc/systemd/system/mosquitto.service.d")
    print("  cp deploy/systemd/mosquitto-zonetag.conf /etc/systemd/system/mosquitto.service.d/")
    print("  systemctl daemon-reload && systemctl enable --now zonetag-broker.path && systemctl start zonetag-broker")
    print(f'Then in server.toml, under [broker]: url = "mqtts://{args.host[0]}:{args.port}"')
    return 0
