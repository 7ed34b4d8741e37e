"""The plan of a site: its picture, and where on it each gateway stands.  Inside the caller's transaction."""

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.pictures import Picture
from zonetag_backend.store.schema import gateway, place
from zonetag_backend.store.schema.office import plan_picture, plan_spot

WHOLE = 1000  # x and y are thousandths


@dataclass(frozen=True, slots=True)
class Plan:
    """What is known of a site's picture without reading it."""

    width: int
    # pixels
    height: int
    changed_ms: int


def plan_of(connection: Connection, site: str) -> Plan | None:
    """Its plan; none when no picture was given."""
    p = plan_picture.c
    row = connection.execute(select(p.width, p.height, p.changed_ms).where(p.site == site)).first()
    return None if row is None else Plan(*row)


def picture_of(connection: Connection, site: str) -> Picture | None:
    """The picture itself."""
    p = plan_picture.c
    row = connection.execute(select(p.kind, p.width, p.height, p.picture).where(p.site == site)).first()
    return None if row is None else Picture(*row)


def keep_picture(connection: Connection, site: str, picture: Picture, now_ms: int) -> None:
    """The picture of a site, in place of the one before."""
    connection.execute(delete(plan_picture).where(plan_picture.c.site == site))
    values = {"kind": picture.kind, "width": picture.width, "height": picture.height, "picture": picture.content}
    connection.execute(insert(plan_picture).values(site=site, changed_ms=now_ms, **values))


def spots(connection: Connection, site: str) -> dict[str, tuple[int, int]]:
    """Gateway -> (x, y) in thousandths of the picture's width and height, from the upper left corner."""
    s = plan_spot.c
    statement = (
        select(s.gateway, s.x, s.y)
        .join(gateway, gateway.c.name == s.gateway)
        .join(place, place.c.id == gateway.c.place)
        .where(place.c.site == site)
    )
    return {name: (x, y) for name, x, y in connection.execute(statement)}


def put(connection: Connection, site: str, name: str, x: int, y: int) -> None:
    """Put a gateway of the site there.  NotFound, BadValue."""
    statement = select(place.c.site).join(gateway, gateway.c.place == place.c.id).where(gateway.c.name == name)
    if connection.scalar(statement) != site:
        raise NotFound(f"site {site} has no gateway {name}")
    if not (0 <= x <= WHOLE and 0 <= y <= WHOLE):
        raise BadValue(f"x and y are 0 to {WHOLE} thousandths")
    connection.execute(delete(plan_spot).where(plan_spot.c.gateway == name))
    connection.execute(insert(plan_spot).values(gateway=name, x=x, y=y))
