"""Two quick clicks on a button, as guards make them: one form goes out."""

from collections.abc import Iterator
from typing import Any

import pytest
from rig.office import Office
from rig.pages import KEYRING, Served
from rig.windows import window

from zonetag_backend.store import tag_list, tags
from zonetag_backend.store.engine import writing


@pytest.fixture
def page(chromium: Any, served: Served) -> Iterator[Any]:
    with window(chromium) as page:
        served.sign_in(page.context, "reception")
        yield page


def test_a_double_click_lends_one_tag_and_says_so(office: Office, served: Served, page: Any) -> None:
    with writing(office.engine) as connection:
        for number in ("K-01", "K-02"):
            tag_list.keep_for_visitors(connection, tags.add_tag(connection, KEYRING, number, office.now).id, True)
    page.goto(f"{served.url}/visitors")
    page.fill("[name=name]", "Trần Thị Khách")
    page.dblclick("main button.go")
    page.wait_for_url("**/visitors?done=lent")
    said = page.inner_text("main [role=status]")
    assert "K-01" in said
    assert "Trần Thị Khách" in said
    assert page.get_attribute("main [role=status] a", "href") == "/papers/visitor?tag=K-01&form=pdf"
    assert page.locator("main tbody tr").count() == 1
