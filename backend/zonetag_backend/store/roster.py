"""What ingest must know of the registry, read in one go: where gateways stand, sites, tags and their clocks."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from zonetag_backend.records import Post, TagRecord
from zonetag_backend.store import secrets
from zonetag_backend.store.schema import gateway, place, registry_revision, site, tag, tag_clock
from zonetag_backend.store.schema.enrolment import gateway_revoked
from zonetag_backend.store.schema.office import tag_resting
from zonetag_backend.store.tags import RETIRED
from zonetag_backend.tagclock import Track
from zonetag_protocol import advert


@dataclass(frozen=True, slots=True)
class Roster:
    """The registry at one revision."""

    revision: int
    posts: dict[str, Post]
    # by gateway
    absence_ms: dict[str, int]
    # by site
    tags: list[TagRecord]


def revision(connection: Connection) -> int:
    """Number of the registry's last change."""
    return int(connection.scalar(select(registry_revision.c.revision)) or 0)


def read(connection: Connection) -> Roster:
    """The whole registry."""
    posts = select(gateway.c.name, place.c.site, place.c.id).join(place, place.c.id == gateway.c.place)
    # Whatever a revoked one signs, from the commit on: it is as if it were not registered.
    posts = posts.where(gateway.c.name.not_in(select(gateway_revoked.c.gateway)))
    clock = tag_clock.c
    tags = select(
        tag.c.id,
        tag.c.kind,
        clock.offset_ms,
        clock.slack_ms,
        clock.offset_at_ms,
        clock.confirmed,
        clock.slot,
        clock.status,
        clock.heard_ms,
    ).join(tag_clock, clock.tag == tag.c.id)
    keys = secrets.sealed_keys(connection)
    in_use = select(tag.c.id).where(tag.c.state != RETIRED, tag.c.id.not_in(select(tag_resting.c.tag)))
    used = set(connection.scalars(in_use))
    return Roster(
        revision(connection),
        {row.name: Post(row.site, row.id) for row in connection.execute(posts)},
        {row.name: row.absence_s * 1000 for row in connection.execute(select(site.c.name, site.c.absence_s))},
        [
            TagRecord(which, kind == advert.EDDYSTONE_EID, keys.get(which), which in used, Track(*known))
            for which, kind, *known in connection.execute(tags)
        ],
    )
