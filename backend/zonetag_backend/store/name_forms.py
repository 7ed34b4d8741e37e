"""How names are sorted and searched, kept beside them in `person` and `tag`, so that a list is cut in the database.

The alternative, a sorted list in each process, would need a counter that every change of people, tags, visitors and
departures raises, and 0.1 s for 20,000 people after each of them.  This needs two places: an insert makes the forms by
itself (store/schema/forms.py), and whoever changes a name does it by `rename`.  What was made by another rule, or came
in past both, is made anew when the database is opened.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, or_, select, update

from zonetag_backend.names import RULE
from zonetag_backend.store.schema import person, tag
from zonetag_backend.store.schema.forms import forms_of, tag_forms_of


def rename(connection: Connection, who: int, name: str, unit: str, code: str | None) -> None:
    """Another name, unit or staff number for somebody, as they are: `people.change` checks them."""
    rename_all(connection, [(who, {"name": name, "unit": unit, "code": code})])


def rename_all(connection: Connection, changes: Iterable[tuple[int, Mapping[str, object]]]) -> None:
    """The same of many: who, and their name, unit and code."""
    made = [{"which": who, **values, **forms_of(values)} for who, values in changes]
    if made:
        connection.execute(update(person).where(person.c.id == bindparam("which")), made)


def refill(connection: Connection) -> int:
    """Make anew what was not made by the rule of this program; how many rows."""
    p, t = person.c, tag.c
    people = select(p.id, p.name, p.unit, p.code).where(or_(p.name_rule.is_(None), p.name_rule != RULE))
    numbers = select(t.id, t.number).where(or_(t.name_rule.is_(None), t.name_rule != RULE))
    made = [{"which": row["id"], **forms_of(dict(row))} for row in connection.execute(people).mappings()]
    if made:
        connection.execute(update(person).where(p.id == bindparam("which")), made)
    found = [{"which": row["id"], **tag_forms_of(dict(row))} for row in connection.execute(numbers).mappings()]
    if found:
        connection.execute(update(tag).where(t.id == bindparam("which")), found)
    return len(made) + len(found)
