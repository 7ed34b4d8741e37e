"""An administrator gets no health and no contact data: on no page, in no twin, paper, refusal or search."""

import re

from rig.everything import Everything
from rig.reader import Reader

from zonetag_backend.roles import ADMIN, HEALTH
from zonetag_backend.web.rights import RIGHTS

# Of the case: why it was entered, its disease, who fell ill; of the other office; of a declaration: that there is one.
ILL = re.compile('dương tính|covid-19|COVID-19|Sở Y tế|sốt, ho|Đã khai báo|đã khai báo|"declared": ?\\["')
# They write the questions, and nobody's answers.
APART = {"/live", "/screen/{place}/live", "/mine/copy/{form}", "/questions", "/declare/{token}"}
CONTROL = {"/cases", "/cases/{case}", "/declarations/{site}", "/imports/{case}"}  # there a health officer sees it


def test_an_administrator_sees_neither_who_is_ill_nor_who_met_whom(whole: Everything, reader: Reader) -> None:
    seen: dict[str, set[str]] = {ADMIN: set(), HEALTH: set()}
    for role, found in seen.items():
        for path, verbs in RIGHTS.items():
            if path in APART or "GET" not in verbs or (role == HEALTH and path not in CONTROL):
                continue
            for url in whole.addresses(path):
                answer = whole.get(url, role=role)
                assert answer.status_code < 500, url
                if role == ADMIN and role not in verbs["GET"].roles:
                    assert answer.status_code == 403, url
                if ILL.search(reader.text(answer.content)):
                    found.add(path)
    assert seen[ADMIN] == set()
    assert seen[HEALTH] == CONTROL
    for form in ({"act": "trace"}, {"act": "close"}, {"language": "vi"}):
        for end in ("", "/notices"):
            refused = whole.get.post(f"/cases/{whole.values['case']}{end}", role=ADMIN, **form)
            assert refused.status_code == 403
            assert not ILL.search(refused.text)
    for query in ("dương tính", "covid-19", whole.values["case"], "sốt"):
        for path in ("/people", "/tags", "/book/van-phong", "/tags/give", "/agreements"):
            text = whole.get(f"{path}?q={query}", ADMIN).text.replace(query, "")  # which the page repeats
            assert not ILL.search(text), (path, query)
