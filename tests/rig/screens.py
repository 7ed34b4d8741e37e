"""A screen at a door that is there at once, and windows that were held close to it."""

from rig.office import Office

from zonetag_backend.doors import Doors, Heard
from zonetag_backend.store import screens
from zonetag_backend.store.engine import writing

CLOSE_DBM, FAR_DBM = -35, -80


def open_screen(office: Office, place: str = "Cửa chính", shows: str = screens.GIVEN, counts: bool = True) -> str:
    """The token of a new screen's cookie."""
    with writing(office.engine) as connection:
        link = screens.make(connection, office.places[place], f"Màn {shows}", shows, counts, office.now, "test")
        opened = screens.open_link(connection, link, office.now)
    assert opened is not None
    return opened[1]


def hold(doors: Doors, office: Office, tag: int, rssi: int = CLOSE_DBM, mark: int = 0) -> None:
    """Somebody holds a tag to the reader at the entrance now."""
    doors.hear([Heard("gw-cua", office.places["Cửa chính"], tag, mark, office.now, 4, rssi)], office.now)
