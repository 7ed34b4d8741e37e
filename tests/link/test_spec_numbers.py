"""SPEC.md section 12 against the code: every table, and every number that a sentence gives."""

import re
from pathlib import Path

import pytest

from zonetag_backend.link import calls
from zonetag_gateway import link as carrier
from zonetag_gateway import linkpolicy
from zonetag_protocol import carriage, ccm, contact, fragments, link
from zonetag_protocol import linkmessage as say
from zonetag_tag import contacts, faults, gate

ROOT = Path(__file__).parents[2]
SPEC = (ROOT / "protocol" / "SPEC.md").read_text()
SECTION = SPEC[SPEC.index("\n## 12 ") :].split("\n## 13 ")[0]
DAY_S = 86_400


def of_tag(module: str, name: str) -> int:
    """A constant of a module of the firmware that only the tag's Python can import: numbers, multiplied or divided."""
    for line in (ROOT / "firmware" / "zonetag_tag" / f"{module}.py").read_text().splitlines():
        if line.startswith(f"{name} = "):
            product = 1
            for sign, number in re.findall(r"(\*|//|)\s*(\d+)", line.split("=")[1].split("#")[0]):
                product = product // int(number) if sign == "//" else product * int(number)
            return product
    raise AssertionError(f"firmware/zonetag_tag/{module}.py has no {name}")


def part(number: str) -> str:
    """A subsection, its lines joined, so that a sentence may be looked for."""
    text = SECTION[SECTION.index(f"\n### {number} ") :]
    return text.split("\n### ")[1]


def table(number: str, head: str) -> list[list[str]]:
    """The rows of the table that begins with `head`."""
    lines = part(number).splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        # A bar within code is no border of a cell.
        cells = re.split(r"\|(?=(?:[^`]*`[^`]*`)*[^`]*$)", line)
        rows.append([cell.strip() for cell in cells[1:-1]])
    return rows


KEPT_DAYS = of_tag("log", "KEPT_EPOCHS")  # what stands before `// EPOCH_S`
KEPT_DAYS //= DAY_S
FIRST_REST_S = gate.BACK_OFF_MS[0] // 1000
VALUES = [mtu - fragments.ATT_HEADER for mtu in fragments.ATT_MTU]
SENTENCES = [
    ("12.1", "in one slot of each group of {} slots", [say.SETTING_RANGES[say.CONNECTABLE][2]]),
    ("12.1", "waits up to {} s", [linkpolicy.CONNECT_S]),
    ("12.1", "drop it {} s before the end of the epoch", [of_tag("link", "LAST_S")]),
    ("12.1", "a good `hello` within {} s", [gate.HELLO_MS / 1000]),
    ("12.1", "no good sealed message within {} s", [gate.PROOF_MS / 1000]),
    ("12.1", "silent for {} s, or older than {} s", [gate.SILENT_MS / 1000, gate.LONGEST_MS / 1000]),
    ("12.1", "a budget: {} s, refilled at 1 s each {} s", [gate.BUDGET_MS / 1000, gate.REFILL]),
    ("12.1", "fewer than {} s are left", [gate.LEAST_MS / 1000]),
    ("12.1", "none for {} s, {}, 16, ... up to {} s", [FIRST_REST_S, 2 * FIRST_REST_S, gate.BACK_OFF_MS[1] / 1000]),
    ("12.1", "at most {} s of connection in the first hour", [gate.BUDGET_MS / 1000 + 3600 / gate.REFILL]),
    ("12.1", "first hour and {} s in each later one", [3600 / gate.REFILL]),
    ("12.8", "has not heard it for {} s", [calls.ELSEWHERE_MS / 1000]),
    ("12.2", "MTU {} to {}, so {} to {} bytes", [*fragments.ATT_MTU, *VALUES]),
    ("12.2", "A message has 1 to {} bytes", [fragments.MOST]),
    ("12.3", "`version` is {}", [link.VERSION]),
    ("12.3", "one of the last {} that it has taken", [of_tag("link", "HELLOS")]),
    ("12.3", "with M = {} and L = 2", [ccm.TAG]),
    ("12.3", "ends at {} messages in a direction", [link.MOST_MESSAGES]),
    ("12.4", "n from 0 to {}", [say.CHUNK]),
    ("12.6", "in each cell of {} s", [contact.CELL_S]),
    ("12.6", "a record of {} bytes", [contact.LENGTH]),
    ("12.6", "The tag keeps the {} strongest identifiers of an epoch", [contacts.KEEP]),
    ("12.6", "The {} strongest identifiers of one look", [contacts.SEATS]),
    ("12.6", "older than {} days", [KEPT_DAYS]),
    ("12.6", "{} records, {} for each of these days", [of_tag("log", "MOST"), of_tag("log", "MOST") // KEPT_DAYS]),
    ("12.6", "in every {}nd of these cells", [of_tag("listener", "LOW_BATTERY_FACTOR")]),
    ("12.7", "and by {} days at most", [of_tag("orders", "FARTHEST_S") / DAY_S]),
    ("12.7", "within {} s of its clock", [of_tag("update", "TRIAL_S")]),
    ("12.7", "or if it starts more than {} times", [of_tag("update", "STARTS")]),
    ("12.7", "at most {} bytes", [of_tag("update", "MOST")]),
    ("12.7", "an eighth and {} ms longer than the card's interval while moving", [contacts.ADVERT_DELAY_MS]),
    ("12.7", "while moving, and {} at most", [contacts.LONGEST_MS]),
    ("12.7", "blinks for so long, {} at most", [say.FIND_ME_S]),
    ("12.8", "seconds from its arrival it is good, 1 to {}", [carriage.MOST_VALID_S]),
    ("12.8", "at most {} messages to the tag, of 1 to {} bytes", [carriage.MOST_MESSAGES, fragments.MOST]),
    ("12.8", "at most {} messages of the tag, of 1 to {} bytes", [carriage.MOST_MESSAGES, fragments.MOST]),
    ("12.8", "It takes at most {} at a time", [linkpolicy.MOST_CALLS]),
    ("12.8", "the last {} sessions", [carrier.REMEMBERED]),
]


@pytest.mark.parametrize(("where", "sentence", "numbers"), SENTENCES, ids=[f"{s[0]} {s[1]}" for s in SENTENCES])
def test_a_number_of_a_sentence(where: str, sentence: str, numbers: list[float]) -> None:
    said = sentence.format(*(f"{number:g}" for number in numbers))
    assert said in " ".join(part(where).split()), f"section {where} should say: {said}"


def test_the_service() -> None:
    told = [row[1].strip("`") for row in table("12.1", "what")]
    assert told == [fragments.SERVICE_UUID, fragments.DOWN_UUID, fragments.UP_UUID]


def test_the_header_of_a_part() -> None:
    told = {row[1]: row[0] for row in table("12.2", "bits of the header")}
    assert 1 << int(told["first part"]) == fragments.FIRST_PART
    assert 1 << int(told["last part"]) == fragments.LAST_PART
    low, high = map(int, told["number of the part, from 0 in each message"].split("-"))
    assert (low, (1 << high + 1) - 1) == (0, fragments.NUMBER)


def test_the_three_kinds_of_messages() -> None:
    told = {row[0].strip("`"): row[2].strip("`") for row in table("12.3", "message")}
    assert [int(told[name][:2]) for name in ("hello", "answer", "sealed")] == [link.HELLO, link.ANSWER, link.SEALED]
    for name, kind in (("hello", link.HELLO), ("answer", link.ANSWER)):
        assert 2 + sum(map(int, re.findall(r"\[(\d+)\]", told[name]))) == link.LENGTHS[kind]
    assert int(told["sealed"].split("[")[1].strip("]")) == ccm.TAG


@pytest.mark.parametrize("where", ["12.4", "12.7"])
def test_the_types_of_messages(where: str) -> None:
    for code, name, *_ in table(where, "type"):
        assert getattr(say, name.upper().replace(" ", "_")) == int(code.strip("`"), 16)
    assert len(table("12.4", "type")) + len(table("12.7", "type")) == 13


BODIES = {
    "fetch": say.pack_fetch(1, 2),
    "acknowledge": say.pack_acknowledge(bytes(4), 1),
    "set time": say.pack_time(1, 2),
    "settings": say.pack_settings({say.LOOK_EVERY: 1}),
    "find me": say.pack_find_me(1),
    "update begin": say.pack_begin(1, bytes(32), (0, 1, 0)),
    "update part": say.pack_part(0, b""),
}


def test_the_bodies_of_commands() -> None:
    told = {row[1]: row[2] for row in table("12.7", "type")}
    for name, body in told.items():
        assert sum(map(int, re.findall(r"\[(\d+)\]", body))) == len(BODIES.get(name, b"")), name


def test_the_codes() -> None:
    told = {row[1]: int(row[0]) for row in table("12.7", "code")}
    names = (say.OK, say.UNKNOWN_COMMAND, say.OUT_OF_RANGE, say.FLASH, say.NOT_NOW, say.WRONG_HASH)
    assert list(told.values()) == list(names) == list(range(6))


def test_the_settings() -> None:
    rows = table("12.7", "id")
    assert [int(row[0]) for row in rows] == sorted(say.SETTING_RANGES)
    for number, _, values in rows:
        least, most, default = say.SETTING_RANGES[int(number)]
        assert int(re.findall(r"\*\*(\d+)\*\*", values)[0]) == default, values
        assert f"to {most}" in values.replace("**", "")
        allowed = [value for value in range(most + 2) if say.allowed(int(number), value)]
        assert (allowed[0], allowed[-1]) == (least, most)
        assert str(allowed[1] if least == 0 else allowed[0]) in re.findall(r"\d+", values)


STATUS = say.Status(
    0x01020304, 0x05060708, 0x090A, (11, 12, 13), 14, b"\x0f\x10\x11\x12", 0x13141516, 0x1718191A, 0x1B1C1D1E1F,
    b"\x20\x21\x22\x23", 0x24252627, (0x2829, 0x2A2B),
)  # fmt: skip
FIELDS = {
    "t": STATUS.t, "uptime": STATUS.uptime_s, "battery": STATUS.battery, "flags": STATUS.flags, "first": STATUS.first,
    "next": STATUS.next, "utc": STATUS.utc_s, "update": STATUS.update,
    "version": 0x0B0C0D, "log": 0x0F101112, "settings": 0x20212223,
}  # fmt: skip


def test_the_status_byte_by_byte() -> None:
    packed, at = say.pack_status(STATUS), 0
    for offset, field, _ in table("12.5", "offset"):
        assert int(offset) == at, "no gap and no overlap"
        named = re.fullmatch(r"`(\w+)\[(\d+)\]( \* n)?`", field)
        if named is None:
            assert field == f"`{say.FORMAT:02}`"
            at += 1
        elif named[3]:
            assert packed[at:] == bytes([0x28, 0x29, 0x2A, 0x2B])
        else:
            size = int(named[2])
            assert int.from_bytes(packed[at : at + size], "big") == FIELDS[named[1]], named[1]
            at += size
    assert at == say.STATUS_LENGTH


def test_the_flags_and_the_counters() -> None:
    rows = {row[1]: row[2] for row in table("12.5", "offset")}
    flags = re.findall(r"(\d) ([a-z ]+)", rows["`flags[1]`"].replace("bit ", ""))
    names = {
        "clock confirmed since the last reset": say.CONFIRMED, "firmware on trial": say.TRIAL,
        "firmware was rolled back": say.ROLLED_BACK, "log failed": say.LOG_FAILED, "low battery": say.LOW_BATTERY,
    }  # fmt: skip
    assert {name.strip(): 1 << int(bit) for bit, name in flags} == names
    counters = rows["`faults[2] * n`"].split(": ")[1]
    assert tuple(counters.split(", ")) == faults.COUNTED


def test_the_record_byte_by_byte() -> None:
    heard = bytes(range(5, 13)), bytes(range(13, 19))
    packed = contact.pack(contact.Contact(0x010203, 4, *heard, -5, 20, bytes(range(21, 37))))
    at = 0
    for offset, field, _ in table("12.6", "offset"):
        assert int(offset) == at
        named = re.fullmatch(r"`(\w+)\[(\d+)\]`", field)
        assert named, field
        at += int(named[2])
    assert at == len(packed) == contact.LENGTH
    assert packed[:18] == bytes(range(1, 19))
    assert packed[18:20] == bytes([0x100 - 5, 20])
    assert packed[20:] == bytes(range(21, 37))


def test_the_half_byte_of_a_cell() -> None:
    said = re.search(r"as `(min\(15, max\(1, \(RSSI \+ 100\) >> 2\)\))`", part("12.6"))
    assert said
    for rssi in range(-128, 21):
        half = contact.level(rssi)
        assert half == min(15, max(1, (rssi + 100) >> 2))
        if 1 < half < 15:
            assert -100 + 4 * half <= rssi <= -97 + 4 * half
    assert contact.level(-40) == 15 > contact.level(-41)


def test_how_a_carriage_ends() -> None:
    assert tuple(row[0].strip("`") for row in table("12.8", "code")) == carriage.ENDED


@pytest.mark.parametrize("language", ["en", "vi"])
def test_whoever_looks_after_a_gateway_reads_what_each_code_asks_of_him(language: str) -> None:
    rows = [line.split("|") for line in (ROOT / "docs" / language / "link.md").read_text().splitlines() if "|" in line]
    told = {row[1].strip().strip("`"): row[3].strip() for row in rows if len(row) == 5}
    assert [code for code in told if code in carriage.ENDED] == list(carriage.ENDED)
    assert all(told[code] for code in carriage.ENDED)
