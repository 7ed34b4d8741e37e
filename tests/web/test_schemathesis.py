"""What schemathesis makes up for every address and verb: nothing ends in a fault of ours.  The seed is fixed."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from rig.ill import outbreak
from rig.office import Office
from rig.openapi import description
from rig.pages import Get
from schemathesis.core.result import Ok

from zonetag_backend.roles import ROLES, SCREEN
from zonetag_backend.web.rights import RIGHTS

EXAMPLES = 3  # of each address and verb


def role_for(path: str, verb: str) -> str:
    """Somebody who may."""
    return next((role for role in (*ROLES, SCREEN) if role in RIGHTS[path][verb].roles), "")


def test_no_address_ends_in_a_fault_of_ours(office: Office, get: Get) -> None:
    outbreak(office, 2, 1, ("<script>alert(1)</script>", "\u202eمرحبا"))
    schema = schemathesis.openapi.from_dict(description({"site": "van-phong", "name": "zonetag.css", "form": "json"}))
    asked = 0

    def ask(case: schemathesis.Case[Any]) -> None:
        nonlocal asked
        role = role_for(case.operation.path, case.method)
        url = case.formatted_path
        form = None if case.method == "GET" else _form(case.body)
        headers = {"X-CSRF-Token": get.csrf(role)}
        query = _form(case.query)
        answer = get(url, role, method=case.method, params=query, data=form, headers=headers)
        assert answer.status_code < 500, (case.method, url, case.query, case.body, answer.status_code)
        asked += 1

    bound = settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    for each in schema.get_all_operations():
        assert isinstance(each, Ok)
        operation = each.ok()

        bound(given(case=operation.as_strategy())(ask))()
    assert asked > len(RIGHTS)


def _form(value: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in value.items()} if isinstance(value, dict) else {}
