"""Every page, parameter and JSON field is documented."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rig.ill import outbreak
from rig.office import Office, at
from rig.pages import Get

from zonetag_backend.web.app import ROUTES


def fields(value: Any) -> Iterator[str]:
    """Names of the fields of a twin; reasons stand where names do, and are none."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name
            if name not in ("totals", "rejected"):
                yield from fields(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from fields(inner)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_page_is_documented(root: Path, language: str) -> None:
    text = (root / "docs" / language / "pages.md").read_text(encoding="utf-8")
    for route in ROUTES:
        path = route.path.replace("{site}", "SITE").replace("{person}", "ID")
        path = re.sub(r"{(\w+)}", lambda name: name[1].upper(), path)
        assert path.startswith("/static/") or f"| `{path}` |" in text
    for name in (root / "backend/zonetag_backend/web/pages").glob("*.py"):
        for parameter in re.findall(r'query_params(?:\.get\(|\[)"(\w+)"|asked\.get\("(\w+)"', name.read_text()):
            assert f"`?{''.join(parameter)}=" in text


def test_every_field_is_documented(root: Path, office: Office, get: Get) -> None:
    person, tag = office.person("Nguyễn Thị An")
    office.visit(tag, at("07:30"), at("11:57"), corrected=at("12:40"))
    office.correction(tag, at("12:40"), at("07:30"), at("11:32"))
    office.presence(tag, "Cửa chính", at("11:00"), at("11:57"))
    office.gateway_status("gw-cua", True, "{}")
    office.rejected("gw-cua", "unknown", 5, at("14:00"))
    text = (root / "docs/en/pages.md").read_text(encoding="utf-8")
    for path in ("/index", "/book/van-phong", f"/person/{person}", "/gateways", "/rejected", "/nowhere"):
        for name in fields(get(f"{path}.json").json()):
            assert f"`{name}`" in text, f"{name} of {path}"


def test_every_field_of_cases_is_documented(root: Path, office: Office, get: Get) -> None:
    ill, _, _ = outbreak(office)
    fields_of = {"day": "2026-11-20", "basis": "onset", "profile": "covid-19", "reason": "positive test"}
    case = get.post("/cases", person=str(ill), **fields_of).headers["location"]
    text = (root / "docs/en/pages.md").read_text(encoding="utf-8")
    for path in ("/cases", case, f"{case}/sources", f"{case}/notices", f"{case}/export"):
        for name in fields(get(f"{path}.json").json()):
            assert f"`{name}`" in text, f"{name} of {path}"
