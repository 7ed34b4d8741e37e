"""`python -m zonetag_gateway.order`: what an order to update says, once it has proved itself.  For the installer.

order KEY CONFIG ORDER: the public key (PEM) that root has laid down, the gateway's configuration, the order's file.
Prints {"version", "sha256", "size", "signed_ms"}; exit code 1 and a reason when the order does not count.
"""

import json
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from zonetag_gateway.config import load
from zonetag_gateway.errors import GatewayError
from zonetag_protocol.errors import ZonetagError
from zonetag_protocol.update import Order, open_order


class NotForUs(Exception):
    """An order that is not this gateway's."""


def read(data: bytes, key: Ed25519PublicKey, site: str, name: str) -> Order:
    """The order in an envelope; NotForUs, ZonetagError."""
    order = open_order(data, key)
    if (order.site, order.gateway) != (site, name):
        raise NotForUs(f"it is an order to {order.gateway} at {order.site}")
    return order


def main(key_file: str, config_file: str, order_file: str) -> int:
    """See above."""
    try:
        config = load(Path(config_file))
        key = serialization.load_pem_public_key(Path(key_file).read_bytes())
        if not isinstance(key, Ed25519PublicKey):
            raise NotForUs(f"{key_file} is no Ed25519 key")
        order = read(Path(order_file).read_bytes(), key, config.site, config.name)
    except (OSError, ValueError, GatewayError, ZonetagError, NotForUs) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    told = {"version": order.version, "sha256": order.sha256.hex(), "size": order.size, "signed_ms": order.signed_ms}
    sys.stdout.write(json.dumps(told) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
