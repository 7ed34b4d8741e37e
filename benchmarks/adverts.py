"""Adverts a second through parse and fold on one core, beside bleparser and TheengsDecoder on the same adverts.

The others only parse; ours also folds into windows, with quantiles, and closes them as a running gateway does.
bleparser gets the HCI event it wants and TheengsDecoder its JSON, both made before the clock starts.
"""

import json

from bleparser import BleParser
from measure import rate, show
from TheengsDecoder import decodeBLE
from traffic import Advert, fresh, mixed, ours

from zonetag_gateway.sightings import Folder
from zonetag_protocol.advert import Structures

CLOSE_EVERY_S = 0.25  # as the running gateway
BLEPARSER = BleParser()


def folded(adverts: list[Advert]) -> int:
    """As a running gateway does."""
    folder = Folder()
    hear = folder.hear
    due = CLOSE_EVERY_S
    for data, rssi, at in adverts:
        if at >= due:
            folder.close(at)
            due = at + CLOSE_EVERY_S
        hear(data, rssi, at)
    assert folder.flush()
    return len(adverts)


def hci_event(data: bytes, rssi: int) -> bytes:
    """LE advertising report as the kernel gives it: 04 3E length 02 01 type addresstype address[6] n data rssi."""
    body = b"\x02\x01\x03\x01" + b"\x01\x02\x03\x04\x05\x46" + bytes([len(data)]) + data + bytes([rssi & 0xFF])
    return b"\x04\x3e" + bytes([len(body)]) + body


def theengs_json(data: bytes, rssi: int) -> str:
    """The fields that Theengs Gateway takes from bleak, as JSON."""
    ad = Structures(data)
    fields: dict[str, object] = {"id": "46:05:04:03:02:01", "rssi": rssi}
    for uuid, body in ad.service.items():
        fields |= {"servicedata": body.hex(), "servicedatauuid": f"{uuid:04x}"}
    for company, body in ad.manufacturer.items():
        fields["manufacturerdata"] = (company.to_bytes(2, "little") + body).hex()
    return json.dumps(fields)


def main() -> None:
    compare("our adverts", ours(100, 0.25, 600.0))
    compare("mixed traffic", mixed(300.0))


def compare(name: str, adverts: list[Advert]) -> None:
    def copied() -> list[Advert]:
        return [(fresh(data), rssi, at) for data, rssi, at in adverts]

    # New copies in every round, lest a hash that is cached in them helps; their cost is taken off again.
    copies = rate(lambda: len(copied()))
    mine = 1 / (1 / rate(lambda: folded(copied())) - 1 / copies)
    few = adverts[:20_000]
    events = [hci_event(data, rssi) for data, rssi, _ in few]
    peer = rate(lambda: len([BLEPARSER.parse_raw_data(event) for event in events]))
    texts = [theengs_json(data, rssi) for data, rssi, _ in few[:1000]]
    theengs = rate(lambda: len([decodeBLE(text) for text in texts]), rounds=3)
    show(f"{name}: parse and fold", mine, "adverts/s", "bleparser", peer)
    show(f"{name}: parse and fold", mine, "adverts/s", "TheengsDecoder", theengs)
    show(f"{name}: bleparser, parse only", peer, "adverts/s")
    show(f"{name}: TheengsDecoder, decode only", theengs, "adverts/s")


if __name__ == "__main__":
    main()
