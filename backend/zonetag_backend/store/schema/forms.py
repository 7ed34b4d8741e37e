"""What is kept of a name so that the database itself sorts and searches: made with every insert.

Vietnamese collation and search without marks are ours (`names`): databases do not have them, or not the same.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.engine.interfaces import ExecutionContext

from zonetag_backend import names

Row = Mapping[str, Any]


def forms_of(row: Row) -> dict[str, object]:
    """Of a person with these values (name, unit, code)."""
    return {
        "words": words_of_person(row),
        "name_order": name_order(row),
        "unit_order": unit_order(row),
        "name_rule": names.RULE,
    }


def tag_forms_of(row: Row) -> dict[str, object]:
    """Of a tag with this number."""
    return {"words": words_of_tag(row), "name_rule": names.RULE}


def words_of_person(row: Row) -> str:
    """What a search looks through: every word of name, unit and staff number, folded, each behind a space."""
    return names.searched(row["name"], row["unit"], row.get("code") or "")


def words_of_tag(row: Row) -> str:
    """The same of a tag's number."""
    return names.searched(row["number"])


def name_order(row: Row) -> bytes:
    """Place among names."""
    return names.sort_key(row["name"])


def unit_order(row: Row) -> bytes:
    """Place among units."""
    return names.text_key(row["unit"])


def inserted(form: Callable[[Row], object]) -> Callable[[ExecutionContext], object]:
    """A form as the default of a column: made of the other values of the row that is inserted."""
    return lambda context: form(context.get_current_parameters())  # type: ignore[attr-defined]  # of the default one
