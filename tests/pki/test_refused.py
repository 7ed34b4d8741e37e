"""The store refuses a revoked gateway from the commit on, also in a writer that is at work."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from rig.registry import HOUR_MS, Office, make_office, take
from rig.reports import NOW_MS, Gateway

from zonetag_backend.store import certificates
from zonetag_backend.store.engine import writing


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = make_office(tmp_path / "office", enrolled=True)
    yield made
    made.database.dispose()


def test_what_a_revoked_gateway_signs_is_refused_from_the_commit_on(office: Office) -> None:
    tag = office.tag(office.add_tag("A-1"))
    writer, stolen, other = office.writer(), Gateway("gw1"), Gateway("gw2")
    done = take(writer, stolen.report(tag.window(NOW_MS)), other.report(tag.window(NOW_MS)))
    assert (done.reports, done.refused) == (2, 0), "the control: both are believed"
    late = stolen.report(tag.window(NOW_MS + 1000))  # captured, and signed, before it was revoked
    with writing(office.database) as connection:
        certificates.revoke_gateway(connection, "gw1", NOW_MS + HOUR_MS)
    done = take(writer, late, stolen.report(tag.window(NOW_MS + 2000)), other.report(tag.window(NOW_MS + 2000)))
    assert done.reports == 1
    assert {acknowledgement.gateway for _, acknowledgement in done.acknowledgements} == {"gw2"}
    assert office.number("SELECT count(*) FROM report WHERE gateway = 'gw1'") == 1
