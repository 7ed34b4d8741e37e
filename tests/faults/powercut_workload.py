"""What is recorded for the power cut: a spool, or the server's database, at work.

    powercut_workload.py spool|database FOLDER SEED ROUNDS full|normal

Says on standard output what it has asked for and what it was promised, between the file operations themselves:

| line | means |
|---|---|
| T key digest | this is about to be kept; digest of its bytes |
| K key | it was promised to be kept |
| A key | it may go from now on |

"normal" is the control: synchronous=NORMAL, with which SQLite promises less.
"""

import hashlib
import os
import random
import sys
from pathlib import Path

MB = 1_000_000


def say(kind: str, *words: object) -> None:
    os.write(1, " ".join(map(str, (kind, *words))).encode() + b"\n")


def work_spool(folder: Path, dice: random.Random, rounds: int, normal: bool) -> None:
    from zonetag_gateway.spool import Record, Spool  # noqa: PLC0415  # so that the other half is not in the recording
    from zonetag_protocol.acknowledgement import Acknowledgement  # noqa: PLC0415  # kept out of the other recording

    spool = Spool(folder / "spool.db", 16 * MB, ballast=16 * 4096)
    if normal:
        spool._db.execute("PRAGMA synchronous = NORMAL")
    boot = spool.next_boot()
    seq = gone = 0
    for _ in range(rounds):
        records = [
            Record(boot, seq + 1 + n, dice.randbytes(dice.choice((60, 700, 3000, 9000))))
            for n in range(dice.choice((1, 1, 2, 5)))
        ]
        for record in records:
            say("T", record.seq, hashlib.sha256(record.sealed).hexdigest())
        spool.append(records)
        seq += len(records)
        for record in records:
            say("K", record.seq)
        if dice.random() < 0.3:
            through = dice.randint(gone, seq)
            for number in range(gone + 1, through + 1):
                say("A", number)
            gone = max(gone, through)
            spool.acknowledged(Acknowledgement("gw1", boot, through, ()))
    spool.close()


def work_database(folder: Path, dice: random.Random, rounds: int, normal: bool) -> None:
    from rig.registry import HOUR_MS, make_office, take  # noqa: PLC0415  # kept out of the other recording
    from rig.reports import NOW_MS, Gateway  # noqa: PLC0415  # kept out of the other recording
    from sqlalchemy import event  # noqa: PLC0415  # kept out of the other recording

    from zonetag_protocol import report  # noqa: PLC0415  # kept out of the other recording

    office = make_office(folder, url=f"sqlite:///{folder}/zonetag.db")  # made by the program, synchronous=FULL
    if normal:
        event.listen(office.database, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=NORMAL"))
        office.database.dispose()  # so that it connects anew
    tag = office.tag(office.add_tag("A-1"))
    writer = office.writer()
    gateway = Gateway()
    for n in range(rounds):
        made = [
            gateway.report(*(tag.window(NOW_MS + 4000 * (40 * n + 8 * each + row)) for row in range(4)))
            for each in range(dice.choice((1, 1, 2, 4)))
        ]
        for one in made:
            say("T", one.seq, report.hash_of(report.encode(one)).hex())
        take(writer, *made, now_ms=NOW_MS + 1000 * HOUR_MS)
        for one in made:
            say("K", one.seq)
    office.database.dispose()


def main() -> None:
    what, folder, seed, rounds, synchronous = sys.argv[1:]
    work = {"spool": work_spool, "database": work_database}[what]
    work(Path(folder), random.Random(seed), int(rounds), synchronous == "normal")


if __name__ == "__main__":
    main()
