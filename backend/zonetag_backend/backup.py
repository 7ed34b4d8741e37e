"""Back up everything of a data folder while it is in use."""

from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from zonetag_backend import backupfolder, backupkey
from zonetag_backend.config import Config
from zonetag_backend.sealedfile import Header
from zonetag_backend.store import audit, snapshot
from zonetag_backend.store.engine import Database, writing

HOUR_MS = 3_600_000

Progress = Callable[[int, int], None]
"""Pages done, and in all."""


def back_up(config: Config, database: Database, folder: Path, now_ms: int, *, actor: str, progress: Progress) -> Path:
    """Make a backup in `folder`, delete those that have expired, and say so in the audit log.

    BackupError or KeyFileError when that cannot be.
    """
    to = backupkey.public_key(config.data)
    header = Header(now_ms, now_ms + config.backup_keep_days * 24 * HOUR_MS, version("zonetag"))
    file = (database.url.database or "") if database.url.get_backend_name() == "sqlite" else ""
    within = Path(file).name or backupfolder.DATABASE
    path = backupfolder.make(
        folder, config.data, lambda at: snapshot.copy(database, at, progress), to, header=header, within=within
    )
    backupfolder.prune(folder, now_ms)
    with writing(database) as connection:
        audit.record(connection, now_ms, actor, "backup.make", path.name)
    return path


def back_up_when_due(config: Config, database: Database, now_ms: int) -> None:
    """What a running server does every hour, where the setting backup.dir says so."""
    backupfolder.sweep(config.data)
    folder = config.backup_dir
    if folder is None:
        return
    backupfolder.prune(folder, now_ms)
    made = [backup.header.made_ms for backup in backupfolder.backups(folder)]
    if not made or now_ms - made[-1] >= config.backup_every_h * HOUR_MS - HOUR_MS // 2:
        back_up(config, database, folder, now_ms, actor=audit.SYSTEM, progress=lambda _done, _whole: None)
