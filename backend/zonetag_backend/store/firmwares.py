"""Firmware that the server has for tags, and how far each is rolled out.  Inside the caller's transaction."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, func, select, update

from zonetag_backend.errors import NotFound
from zonetag_backend.link import rollout
from zonetag_backend.link.records import CANCELLED, DONE, FAILED, ROLLED_BACK, TRIAL, UPDATE, WAITING
from zonetag_backend.store import tag_link, tags
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import tag
from zonetag_backend.store.schema.contacts import firmware, link_order
from zonetag_backend.store.schema.contacts import tag_link as said

# How far one is: nobody was ordered it, it goes on, a tag stopped it, every tag that was ordered it has kept it.
NOT_GIVEN, RUNNING, STOPPED, FINISHED = "not-given", "running", "stopped", "finished"
STATES = (DONE, TRIAL, WAITING, FAILED, ROLLED_BACK, rollout.SILENT)


@dataclass(frozen=True, slots=True)
class Version:
    """One of them."""

    id: int
    version: str
    digest: bytes
    # SHA-256 of the archive
    size: int
    # bytes of the archive
    added_ms: int
    runs: int
    # tags in use that said that they run it
    orders: Counter[str]
    # tags by what became of their order: STATES
    at_once: int
    # how many may have begun now
    unordered: int
    # tags in use that have no order of it that stands

    @property
    def state(self) -> str:
        """NOT_GIVEN, RUNNING, STOPPED or FINISHED."""
        if any(self.orders[bad] for bad in rollout.BAD):
            return STOPPED
        if self.orders[WAITING] or self.orders[TRIAL]:
            return RUNNING
        return FINISHED if self.orders[DONE] else NOT_GIVEN


@dataclass(frozen=True, slots=True)
class Stopper:
    """A tag that stopped a roll-out."""

    tag: int
    number: str
    state: str
    # FAILED, ROLLED_BACK or rollout.SILENT


def versions(connection: Connection, now_ms: int) -> list[Version]:
    """All, the newest first."""
    f = firmware.c
    columns = select(f.id, f.version, f.digest, func.length(f.archive).label("size"), f.added_ms)
    rows = connection.execute(columns.order_by(f.added_ms.desc(), f.id)).all()
    known, running = set(tags.in_use(connection)), runs(connection)
    found = []
    for row in rows:
        states = tag_link.update_states(connection, row.id, now_ms)
        found.append(
            Version(
                row.id,
                row.version,
                bytes(row.digest),
                row.size,
                row.added_ms,
                running[row.version],
                Counter(states.values()),
                rollout.allowed(list(states.values())),
                len(known - states.keys()),
            )
        )
    return found


def runs(connection: Connection) -> Counter[str]:
    """How many of the tags in use said last that they run which version; "" for those that have not talked yet."""
    known = tags.in_use(connection)
    told = {row.tag: str(row.version) for row in connection.execute(select(said.c.tag, said.c.version))}
    return Counter(told.get(which, "") for which in known)


def stoppers(connection: Connection, image: int, now_ms: int, most: int) -> list[Stopper]:
    """The first tags, by number, that stopped a roll-out."""
    bad = {
        who: state for who, state in tag_link.update_states(connection, image, now_ms).items() if state in rollout.BAD
    }
    rows = connection.execute(select(tag.c.id, tag.c.number).order_by(by_bytes(tag.c.number))).all() if bad else []
    return [Stopper(row.id, row.number, bad[row.id]) for row in rows if row.id in bad][:most]


def begin(connection: Connection, image: int, now_ms: int) -> tuple[str, int]:
    """Give a firmware to every tag in use that has not kept it, in stages; its version, and to how many tags.

    After a stop it begins anew with one tag: whoever does so has looked.  While it is under way nothing is done, so
    that a second click costs nobody their place.  NotFound.
    """
    version = version_of(connection, image)
    states = tag_link.update_states(connection, image, now_ms)
    stopped = any(state in rollout.BAD for state in states.values())
    if not stopped and any(state in (WAITING, TRIAL) for state in states.values()):
        todo = [which for which in tags.in_use(connection) if which not in states]  # came since
    else:
        todo = [which for which in tags.in_use(connection) if states.get(which) != DONE]
    c = link_order.c
    mine = (c.firmware == image, c.kind == UPDATE, c.state.not_in((DONE, CANCELLED)))
    if stopped:
        connection.execute(update(link_order).where(*mine).values(state=CANCELLED, settled_ms=now_ms))
    tag_link.order_update(connection, todo, image, now_ms)
    return version, len(todo)


def stop(connection: Connection, image: int, now_ms: int) -> tuple[str, int]:
    """Nobody begins any more; its version, and how many tags waited.

    A tag on trial reports, and keeps it or goes back, as it would have.  NotFound.
    """
    version = version_of(connection, image)
    c = link_order.c
    waits = (c.firmware == image, c.kind == UPDATE, c.state == WAITING)
    gone = connection.execute(update(link_order).where(*waits).values(state=CANCELLED, settled_ms=now_ms)).rowcount
    return version, gone


def with_version(connection: Connection, version: str) -> int:
    """The id of the firmware of a version.  NotFound."""
    found: int | None = connection.scalar(select(firmware.c.id).where(firmware.c.version == version))
    if found is None:
        raise NotFound(f"there is no firmware {version}: zonetag tag firmware list shows all")
    return found


def version_of(connection: Connection, image: int) -> str:
    """NotFound."""
    found = connection.scalar(select(firmware.c.version).where(firmware.c.id == image))
    if found is None:
        raise NotFound("there is no such firmware")
    return str(found)
