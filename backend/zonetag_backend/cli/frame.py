"""`zonetag frame explain` and `zonetag frame make`: adverts in hexadecimal, told field by field, and made."""

import argparse
import json
import sys

from zonetag_backend import anatomy
from zonetag_protocol import advert, frame, rotation, status
from zonetag_protocol.errors import Forged, NotOurs, Unknown, ZonetagError

KINDS = {
    advert.ZONETAG: "a tag of ours",
    advert.EDDYSTONE_EID: "a badge that speaks Eddystone-EID",
    advert.EDDYSTONE_ETLM: "battery and temperature of an Eddystone-EID badge, encrypted",
    advert.BLUEZONE: "a phone with Bluezone",
    advert.EXPOSURE_NOTIFICATION: "a phone with Exposure Notification",
    advert.TRACETOGETHER_TOKEN: "a TraceTogether token",
    advert.BLUETRACE: "a phone with a BlueTrace application",
    advert.FIND_HUB: "a tracker of Google's Find Hub",
    advert.UNKNOWN: "something that this system does not know",
    advert.MALFORMED: "broken",
}
WIDTH = 8  # bytes a line of the table
MAX_LINE = 10_000  # characters; the longest extended advert has 1,650 bytes


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add `frame` with its two commands."""
    parser = subparsers.add_parser("frame", help="explain an advert, or make a tag's")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="say what an advert is, field by field")
    explain.add_argument(
        "advert", metavar="HEX", type=_advert, help="the advert's bytes in hexadecimal; - reads a line"
    )
    explain.add_argument("--key", metavar="HEX", type=_key, help="the tag's master key: verify the frame with it")
    explain.add_argument("--t", metavar="SECONDS", type=_second, help="the tag's clock, to 1024 s (with --key)")
    explain.add_argument("--company", metavar="HEX", type=_company, default=frame.TEST_COMPANY, help=_COMPANY)
    explain.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    explain.set_defaults(run=_explain, error=explain.error)

    make = commands.add_parser("make", help="print the 31 bytes that a tag sends, in hexadecimal")
    make.add_argument("--key", metavar="HEX", type=_key, required=True, help="the tag's master key")
    make.add_argument("--t", metavar="SECONDS", type=_second, required=True, help="the tag's clock")
    make.add_argument("--status", metavar="N", type=_byte, required=True, help="the status byte, 0 to 255")
    make.add_argument("--tx", metavar="DBM", type=_power, default=frame.DEFAULT_TX_DBM, help="power, default -21 dBm")
    make.add_argument("--company", metavar="HEX", type=_company, default=frame.TEST_COMPANY, help=_COMPANY)
    make.set_defaults(run=_make)


_COMPANY = "company identifier of the fleet, default ffff"


def explain_object(
    data: bytes, company: int = frame.TEST_COMPANY, master: bytes | None = None, t: int | None = None
) -> dict[str, object]:
    """What an advert is, as a JSON object: `kind`, `bytes`, and its format's fields, bytes in hexadecimal.

    With a master key and the tag's clock `t` also `verified`, and with it either `reason` (a code of
    `zonetag_protocol.errors`) or `epoch`, `epoch_offset` (from that of `t`: -1, 0, 1), `sub`, `slot_start` (s) and
    `status`.
    """
    heard = advert.explain(data, company)
    told: dict[str, object] = {"kind": heard.kind, "bytes": len(data)}
    for name, value in heard.fields.items():
        told[name] = value.hex() if isinstance(value, bytes) else value
    if "company" in told:
        told["company"] = f"{company:04x}"
    if master is None or t is None:
        return told
    try:
        if heard.kind != advert.ZONETAG:
            raise NotOurs("no frame of ours")
        epoch, reading = _verified(rotation.derive_keys(master), advert.frame_of(heard), t)
    except ZonetagError as error:
        return {"reason": error.code, **told, "verified": False}  # what broke the advert is the better reason
    return told | {
        "verified": True,
        "epoch": epoch,
        "epoch_offset": epoch - rotation.epoch_of(t),
        "sub": reading.sub,
        "slot_start": rotation.slot_start(epoch, reading.sub),
        "status": {"byte": f"{reading.status:02x}", **status.unpack(reading.status)._asdict()},
    }


def explain_lines(
    data: bytes, company: int = frame.TEST_COMPANY, master: bytes | None = None, t: int | None = None
) -> list[str]:
    """The same for a terminal: what it is, each part with its offset, and the outcome of the verification."""
    told = explain_object(data, company, master, t)
    lines = [f"{told['kind']}: {KINDS[str(told['kind'])]}, {len(data)} bytes"]
    if "reason" in told and told["kind"] == advert.MALFORMED:
        lines.append(f"because: {told['reason']}")
    lines += ["", "offset  bytes                    meaning"]
    for part in anatomy.parts(data, company):
        for start in range(0, len(part.data), WIDTH):
            some = part.data[start : start + WIDTH].hex(" ")
            lines.append(f"{part.offset + start:6}  {some:23}  {'' if start else part.meaning}".rstrip())
    if "verified" in told:
        lines += ["", *_outcome(told)]
    return lines


def _verified(keys: rotation.Keys, read: frame.Frame, t: int) -> tuple[int, frame.Reading]:
    """The epoch (that of `t`, the one before or the one after) and the reading; Unknown or Forged."""
    now = rotation.epoch_of(t)
    for epoch in (now, now - 1, now + 1):
        second = rotation.slot_start(epoch, 0)
        if 0 <= second < rotation.T_END and rotation.eid_of(keys.eid, second) == read.eid:
            return epoch, frame.verify(keys, epoch, read.eid, read.sealed, read.mac)
    raise Unknown("not this tag's identifier at that time")


def _outcome(told: dict[str, object]) -> list[str]:
    if not told["verified"]:
        why = {
            NotOurs.code: "there is nothing in it that a tag of ours has signed",
            Unknown.code: "this key does not give this identifier in the epoch of --t nor in one beside it",
            Forged.code: "the identifier is this tag's, but the authenticator does not fit",
        }
        return [f"verified: no, {why.get(str(told['reason']), 'it is malformed')}"]
    which = {-1: "the one before that of --t", 0: "that of --t", 1: "the one after that of --t"}
    where = which[int(str(told["epoch_offset"]))]
    held = told["status"]
    assert isinstance(held, dict)
    said = [name.replace("_", " ") for name in ("button", "unsynchronised", "log_waiting") if held[name]]
    return [
        "verified: yes",
        f"epoch {told['epoch']} ({where}), slot {told['sub']}: the tag's clock had {told['slot_start']} s, to 4 s",
        f"status {held['byte']}: "
        + ", ".join([f"battery {held['battery']} of 7", *said, f"version {held['version']}"]),
    ]


def _explain(arguments: argparse.Namespace) -> int:
    if (arguments.key is None) != (arguments.t is None):
        arguments.error("--key and --t belong together: the key verifies a frame of a certain time")
    given = (arguments.advert, arguments.company, arguments.key, arguments.t)
    if arguments.json:
        print(json.dumps(explain_object(*given)))
    else:
        print("\n".join(explain_lines(*given)))
    return 0


def _make(arguments: argparse.Namespace) -> int:
    keys = rotation.derive_keys(arguments.key)
    print(frame.seal(keys, arguments.t, arguments.status, arguments.tx, arguments.company).hex())
    return 0


def _hex(text: str) -> bytes:
    """Hexadecimal as tools print it: with or without 0x, blanks and colons."""
    try:
        return bytes.fromhex(text.strip().removeprefix("0x").replace(":", ""))
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not hexadecimal: two of 0-9 and a-f for each byte, as in 020106"
        ) from None


def _advert(text: str) -> bytes:
    data = _hex(sys.stdin.readline(MAX_LINE) if text == "-" else text)
    if not data:
        raise argparse.ArgumentTypeError("an advert has at least one byte")
    return data


def _key(text: str) -> bytes:
    try:
        key = _hex(text)
    except argparse.ArgumentTypeError:
        key = b""
    if len(key) != 16:  # said without the text: a mistyped key is nearly a key
        raise argparse.ArgumentTypeError("a master key has 16 bytes: 32 of 0-9 and a-f")
    return key


def _company(text: str) -> int:
    digits = text.removeprefix("0x")
    if len(digits) != 4:
        raise argparse.ArgumentTypeError(f"{text!r} is no company identifier: four of 0-9 and a-f, as in 0059")
    return int.from_bytes(_hex(digits))


def _within(text: str, low: int, high: int, what: str) -> int:
    try:
        number = int(text, 0) if text.strip().startswith("0x") else int(text)
    except ValueError:
        number = low - 1
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{text!r} is no {what}: a whole number from {low} to {high}")
    return number


def _second(text: str) -> int:
    return _within(text, 0, rotation.T_END - 1, "second of a tag's clock")


def _byte(text: str) -> int:
    return _within(text, 0, 255, "status byte")


def _power(text: str) -> int:
    return _within(text, -128, 127, "power in dBm")
