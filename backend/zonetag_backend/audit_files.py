"""Checkpoints of the audit log as files, kept where whoever owns the server cannot change them.

One JSON file each, `zonetag-audit-SEQ-HASH.json` (SEQ of twelve digits, HASH the first eight of the hash), with `seq`,
`at_ms`, `hash` and `signature` (both hexadecimal).  None is ever written over: a log that was made anew leaves both.
"""

import json
import os
from collections.abc import Iterable
from pathlib import Path

from zonetag_backend.audit_chain import Checkpoint
from zonetag_backend.errors import AuditError

PATTERN = "zonetag-audit-*.json"


def export(folder: Path, checkpoints: Iterable[Checkpoint]) -> int:
    """Write those that are not there yet; how many.  AuditError when the folder cannot be written."""
    written = 0
    for each in checkpoints:
        path = folder / f"zonetag-audit-{each.seq:012}-{each.hash.hex()[:8]}.json"
        fields = {"seq": each.seq, "at_ms": each.at_ms, "hash": each.hash.hex(), "signature": each.signature.hex()}
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444)
        except FileExistsError:
            continue
        except OSError as error:
            raise AuditError(f"cannot write {path}: {error.strerror}. Is the folder mounted?") from error
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(json.dumps(fields) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            path.unlink(missing_ok=True)
            raise AuditError(f"cannot write {path}: {error.strerror}. Has the share room?") from error
        written += 1
    return written


def read(folder: Path) -> list[Checkpoint]:
    """Those in a folder.  AuditError for a folder without any, or a file that is none."""
    found = [_read(path) for path in sorted(folder.glob(PATTERN))]
    if not found:
        raise AuditError(f"{folder} holds no checkpoint ({PATTERN}): give the folder of audit.checkpoint_dir")
    return found


def _read(path: Path) -> Checkpoint:
    try:
        fields = json.loads(path.read_bytes())
        seq, at_ms = int(fields["seq"]), int(fields["at_ms"])
        if not (0 < seq < 2**62 and abs(at_ms) < 2**62):
            raise ValueError("out of range")
        return Checkpoint(seq, at_ms, bytes.fromhex(fields["hash"]), bytes.fromhex(fields["signature"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AuditError(f"{path} is no checkpoint ({error}): was it changed or cut?") from error
