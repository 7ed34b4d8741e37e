"""Each worked example of SPEC.md, recomputed: the document and the code hold each other."""

import re
from pathlib import Path

import pytest
import second_implementation as second
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_protocol import (
    acknowledgement,
    card,
    contact,
    enrolment,
    envelope,
    fragments,
    frame,
    link,
    linkmessage,
    loss,
    report,
    rotation,
)
from zonetag_protocol.crypto import Aes, cmac

SPEC = Path(__file__).parents[2] / "protocol" / "SPEC.md"
Lines = dict[str, list[str]]


def example(name: str) -> Lines:
    """The lines of one example block: label -> values, in order; the value is all behind two spaces or the label."""
    block = re.search(rf"```example {name}\n(.*?)```", SPEC.read_text(), re.DOTALL)
    assert block, f"SPEC.md has no example {name}"
    labels = "temporary key|signed with|mac in|pad in|up 0|down \\d|cell \\d+|\\S+"
    lines: Lines = {}
    for line in block[1].splitlines():
        taken = re.fullmatch(rf"({labels})\s+(.+)", line)
        assert taken, line
        lines.setdefault(taken[1], []).append(taken[2].strip())
    return lines


def raw(lines: Lines, label: str) -> bytes:
    return bytes.fromhex(lines[label][0])


def test_keys() -> None:
    lines = example("keys")
    keys = rotation.derive_keys(raw(lines, "master"))
    assert keys == tuple(raw(lines, name) for name in ("eid", "mac", "enc", "link"))


def test_identifier() -> None:
    lines = example("eid")
    t = int(lines["t"][0])
    key = rotation.temporary_key(raw(lines, "k_eid"), t)
    assert key == raw(lines, "temporary key")
    assert Aes(key).encrypt(raw(lines, "block"))[:8] == raw(lines, "eid")
    assert rotation.eid_of(raw(lines, "k_eid"), t) == raw(lines, "eid")


def test_advert() -> None:
    lines = example("advert")
    t, status, tx = (int(lines[label][0]) for label in ("t", "status", "tx"))
    keys = rotation.derive_keys(raw(lines, "master"))
    assert (rotation.epoch_of(t), rotation.slot_of(t)) == (int(lines["epoch"][0]), int(lines["sub"][0]))
    assert cmac(keys.mac, raw(lines, "mac in"))[:4] == raw(lines, "mac")
    assert Aes(keys.enc).encrypt(raw(lines, "pad in"))[:2] == raw(lines, "pad")
    assert frame.seal(keys, t, status, tx) == raw(lines, "advert")
    assert raw(lines, "sealed") == raw(lines, "advert")[25:27]


def test_report() -> None:
    lines = example("report")
    windows = []
    for line in lines["window"]:
        kind, eid, auth, *numbers = line.split()
        windows.append(report.Window(int(kind), bytes.fromhex(eid), bytes.fromhex(auth), *map(int, numbers)))
    utc, monotonic, synchronised = lines["base"][0].split()
    tallies = {name: int(count) for name, count in (line.split() for line in lines["tally"])}
    value = report.Report(
        lines["gateway"][0],
        int(lines["boot"][0]),
        int(lines["seq"][0]),
        report.FIRST_PREVIOUS,
        report.Base(int(utc), int(monotonic), synchronised == "true"),
        report.columns_of(windows),
        tallies,
    )
    payload = raw(lines, "payload")
    assert report.encode(value) == payload
    assert report.decode(payload) == value
    assert value.columns.windows() == windows
    assert report.hash_of(payload) == raw(lines, "hash")


def test_acknowledgement() -> None:
    lines = example("ack")
    value = acknowledgement.Acknowledgement(
        lines["gateway"][0],
        int(lines["boot"][0]),
        int(lines["through"][0]),
        tuple(int(seq) for seq in lines["beyond"][0].split()),
        tuple(int(seq) for seq in lines["missing"][0].split()),
    )
    assert acknowledgement.encode(value) == raw(lines, "payload")
    assert acknowledgement.decode(raw(lines, "payload")) == value
    key = Ed25519PrivateKey.from_private_bytes(raw(lines, "signed with"))
    sealed = raw(lines, "envelope")
    assert envelope.wrap(raw(lines, "payload"), "ack", key) == sealed
    assert envelope.unwrap(sealed, "ack", key.public_key()) == raw(lines, "payload")


def test_loss() -> None:
    lines = example("lost")
    seqs = tuple(int(seq) for seq in lines["seqs"][0].split())
    value = loss.Loss(lines["gateway"][0], int(lines["boot"][0]), seqs)
    assert loss.encode(value) == raw(lines, "payload")
    assert loss.decode(raw(lines, "payload")) == value
    key = Ed25519PrivateKey.from_private_bytes(raw(lines, "signed with"))
    assert envelope.wrap(raw(lines, "payload"), "lost", key) == raw(lines, "envelope")


def test_enrolment() -> None:
    lines = example("enrol")
    token = enrolment.Token(raw(lines, "id"), raw(lines, "secret"), raw(lines, "pin"))
    assert token.text == lines["token"][0]
    assert enrolment.Token.read(lines["token"][0]) == token
    key = Ed25519PrivateKey.from_private_bytes(raw(lines, "signed with"))
    assert enrolment.seal_enrolment(token, raw(lines, "csr"), key) == raw(lines, "envelope")
    assert envelope.unwrap(raw(lines, "envelope"), "enrol", key.public_key()) == raw(lines, "payload")
    found = enrolment.open_enrolment(raw(lines, "envelope"))
    assert (found.token_id, found.secret, found.csr) == (token.id, token.secret, raw(lines, "csr"))


def test_renewal() -> None:
    lines = example("renew")
    key = Ed25519PrivateKey.from_private_bytes(raw(lines, "signed with"))
    value = enrolment.Renewal(lines["gateway"][0], raw(lines, "csr"))
    assert enrolment.seal_renewal(value, key) == raw(lines, "envelope")
    assert enrolment.open_renewal(raw(lines, "envelope"))[0] == value


def test_card() -> None:
    lines = example("card")
    t0, moving_ms, rest_ms, tx = (int(lines[label][0]) for label in ("t0", "moving_ms", "rest_ms", "tx"))
    value = card.Card(
        lines["number"][0], raw(lines, "master"), t0, moving_ms, rest_ms, int(lines["company"][0], 16), tx
    )
    assert card.pack(value) == raw(lines, "card")
    assert card.unpack(raw(lines, "card")) == value


def test_session() -> None:
    lines = example("session")
    k_link, epoch = raw(lines, "link"), int(lines["epoch"][0])
    backend = link.backend_end(k_link, epoch, raw(lines, "nb"))
    tag = link.tag_end(k_link, epoch, raw(lines, "nt"))
    assert backend.begin() == raw(lines, "hello") == second.hello(k_link, epoch, raw(lines, "nb"))
    assert tag.receive(raw(lines, "hello")) is None
    assert tag.answer() == raw(lines, "answer")
    assert backend.receive(raw(lines, "answer")) is None
    keys = second.session_keys(k_link, raw(lines, "hello"), raw(lines, "answer"))
    assert keys == (raw(lines, "k_down"), raw(lines, "k_up"))
    status = linkmessage.unpack_status(raw(lines, "status"))
    assert linkmessage.pack_status(status) == raw(lines, "status")
    assert (status.t, status.first, status.next, status.faults[0]) == (74565, 17, 42, 3)
    assert status.settings == linkmessage.settings_check({})
    up = tag.seal(linkmessage.STATUS, raw(lines, "status"))
    assert up == raw(lines, "up 0") == second.sealed(keys[1], 1, 0, b"\1" + raw(lines, "status"))
    assert backend.receive(up) == (linkmessage.STATUS, raw(lines, "status"))
    bodies = [
        (linkmessage.FETCH, linkmessage.pack_fetch(17, 25)),
        (linkmessage.ACKNOWLEDGE, linkmessage.pack_acknowledge(status.log, 41)),
    ]
    for counter, (kind, body) in enumerate(bodies):
        down = backend.seal(kind, body)
        assert down == raw(lines, f"down {counter}") == second.sealed(keys[0], 0, counter, bytes([kind]) + body)
        assert tag.receive(down) == (kind, body)
    assert [part.hex() for part in fragments.split(up, 23)] == lines["parts"][0].split()


def test_contact() -> None:
    lines = example("contact")
    record = contact.unpack(raw(lines, "record"))
    assert contact.pack(record) == raw(lines, "record")
    numbers = [int(lines[label][0]) for label in ("epoch", "at", "max", "count")]
    assert [record.epoch, record.at, record.max_dbm, record.count] == numbers
    assert (record.eid, record.auth) == (raw(lines, "eid"), raw(lines, "auth"))
    heard = {int(label[5:]): contact.level(int(lines[label][0])) for label in lines if label.startswith("cell")}
    assert contact.levels(record.cells) == [heard.get(cell, 0) for cell in range(contact.CELLS)]


@pytest.mark.parametrize(
    "module", ["advert", "frame", "status", "card", "report", "ccm", "contact", "link", "linkmessage"]
)
def test_every_section_that_code_cites_exists(module: str) -> None:
    headings = set(re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", SPEC.read_text(), re.MULTILINE))
    code = (SPEC.parent / "zonetag_protocol" / f"{module}.py").read_text()
    cited = set(re.findall(r"sections? (\d+(?:\.\d+)?)", code))
    assert cited
    assert cited <= headings, cited - headings
