"""Whoever changes a tag in a part of the list comes back to that part."""

from rig.office import Office
from rig.pages import KEYRING, Get

from zonetag_backend.store import tags
from zonetag_backend.store.engine import writing


def test_the_search_stays(office: Office, get: Get) -> None:
    with writing(office.engine) as connection:
        which = tags.add_tag(connection, KEYRING, "A-1", office.now).id
        tags.add_tag(connection, KEYRING, "A-2", office.now)
    shown = get("/tags?show=free&q=a-1", role="admin").text
    assert '<input type="hidden" name="q" value="a-1">' in shown
    answer = get.post(f"/tags/{which}", role="admin", act="keep", show="free", q="a-1 &x")
    assert answer.headers["location"] == "/tags?show=free&q=a-1+%26x"
    assert get.post(f"/tags/{which}", role="admin", act="release").headers["location"] == "/tags"
