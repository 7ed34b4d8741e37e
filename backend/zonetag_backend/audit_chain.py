"""The chain of the audit log: how an entry is hashed, and how every tampering is found.  Pure.

The hash of an entry is SHA-256 over MARK and its fields in the order of the table below; a number is 8 bytes big
endian, a text is its length in bytes (8, big endian) and its UTF-8.  Any program can repeat it.

| field | encoding |
|---|---|
| seq | 8 bytes; 1 for the first entry, then without a gap |
| previous | 32 bytes: hash of the entry before; zeros before the first |
| at_ms | 8 bytes, UTC in ms |
| actor, action, about, reason | length and text each |

A chain alone shows any change by somebody who cannot hash it anew.  Against somebody who can (who owns the machine)
stand checkpoints: seq and hash, signed with the backend's key and kept elsewhere.  What is signed is CHECKPOINT_MARK,
then seq (8), at_ms (8) and hash (32 bytes).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

MARK = b"zonetag audit 1\x00"
CHECKPOINT_MARK = b"zonetag audit checkpoint 1\x00"
START = bytes(32)  # `previous` of the first entry
EXPIRE = "audit.expire"  # the action that names up to where entries were removed when their time was over

CHANGED, DELETED, REORDERED, TRUNCATED = "changed", "deleted", "reordered", "truncated"
BAD_CHECKPOINT = "bad-checkpoint"
FINDINGS = (CHANGED, DELETED, REORDERED, TRUNCATED, BAD_CHECKPOINT)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the audit log."""

    seq: int
    at_ms: int
    # UTC
    actor: str
    # "account:NAME", "cli:OS USER" or "system"
    action: str
    # a code of store.audit.ACTIONS
    about: str
    # an id; may be empty
    reason: str
    # as it was given; may be empty
    previous: bytes
    # hash of the entry before
    hash: bytes
    # of this one


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What the log was at a moment, signed."""

    seq: int
    # of the last entry then
    at_ms: int
    # UTC of the signing
    hash: bytes
    # of that entry
    signature: bytes
    # Ed25519, 64 bytes

    def signed(self) -> bytes:
        """The bytes under the signature."""
        return CHECKPOINT_MARK + _number(self.seq) + _number(self.at_ms) + self.hash


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a log."""

    code: str
    # one of FINDINGS
    first: int
    # seq of the first entry concerned
    last: int
    # and of the last


def hash_of(entry: Entry) -> bytes:
    """The hash that an entry must have."""
    texts = (entry.actor, entry.action, entry.about, entry.reason)
    parts = [MARK, _number(entry.seq), entry.previous, _number(entry.at_ms)]
    for text in texts:
        encoded = text.encode()
        parts += [_number(len(encoded)), encoded]
    return hashlib.sha256(b"".join(parts)).digest()


def linked(before: tuple[int, bytes], at_ms: int, texts: tuple[str, str, str, str]) -> Entry:
    """The entry that follows (seq, hash) of the one before; `texts`: actor, action, about, reason."""
    seq, previous = before
    actor, action, about, reason = texts
    entry = Entry(seq + 1, at_ms, actor, action, about, reason, previous, b"")
    return replace(entry, hash=hash_of(entry))


def faults(entries: Iterable[Entry], head: tuple[int, bytes], checkpoints: Sequence[Checkpoint]) -> list[Finding]:
    """Everything wrong with a log: `entries` in the order of seq, `head` as it is stored, `checkpoints` of any order.

    The signatures of the checkpoints are the caller's to check (it has the key).
    """
    found: list[Finding] = []
    signed: dict[int, set[bytes]] = {}
    for checkpoint in checkpoints:
        signed.setdefault(checkpoint.seq, set()).add(checkpoint.hash)
    rows = list(entries)
    places = {row.hash: row.seq for row in rows}
    places.setdefault(START, 0)
    begin = rows[0].seq if rows else head[0] + 1
    if begin > 1 and not _expired(rows, begin - 1, signed):
        found.append(Finding(DELETED, 1, begin - 1) if rows else Finding(TRUNCATED, 1, begin - 1))
    before: Entry | None = None
    for row in rows:
        if before is not None and row.seq != before.seq + 1:
            found.append(Finding(DELETED, before.seq + 1, row.seq - 1))
        elif hash_of(row) != row.hash:
            found.append(Finding(_how(row, places), row.seq, row.seq))
        elif before is not None and row.previous != before.hash and hash_of(before) == before.hash:
            found.append(Finding(CHANGED, before.seq, before.seq))  # hashed anew after a change, but the next one knows
        elif row.seq == 1 and row.previous != START:
            found.append(Finding(CHANGED, 1, 1))
        elif row.seq in signed and signed[row.seq] != {row.hash}:
            found.append(Finding(CHANGED, _since(signed, rows, row.seq), row.seq))  # hashed anew from there on
        before = row
    last = rows[-1].seq if rows else begin - 1
    known = max([head[0], *signed])
    if known > last:
        found.append(Finding(TRUNCATED, last + 1, known))
    elif rows and (last, rows[-1].hash) != head and not found:
        found.append(Finding(CHANGED, last, last))
    return found


def _how(row: Entry, places: dict[bytes, int]) -> str:
    """Reordered when the row is whole at the place that its own `previous` tells, else changed."""
    place = places.get(row.previous)
    moved = place is not None and hash_of(replace(row, seq=place + 1)) == row.hash
    # Two rows that were exchanged name each other's neighbours, whose stored seq may itself be exchanged: try nearby.
    nearby = any(hash_of(replace(row, seq=row.seq + step)) == row.hash for step in (-2, -1, 1, 2))
    return REORDERED if moved or nearby else CHANGED


def _since(signed: dict[int, set[bytes]], rows: Sequence[Entry], until: int) -> int:
    """The first entry that may have been changed before a checkpoint that does not fit: after the last that fits."""
    hashes = {row.seq: row.hash for row in rows}
    fitting = [seq for seq, marks in signed.items() if seq < until and marks == {hashes.get(seq, b"")}]
    return max(fitting, default=(rows[0].seq if rows else 1) - 1) + 1


def _expired(rows: Sequence[Entry], until: int, signed: dict[int, set[bytes]]) -> bool:
    """Whether the entries up to `until` went by rule: a checkpoint holds their end, an entry of EXPIRE says so."""
    if not rows or signed.get(until) != {rows[0].previous}:
        return False
    return any(row.action == EXPIRE and row.about == str(until) for row in rows)


def _number(value: int) -> bytes:
    return value.to_bytes(8, "big", signed=True)
