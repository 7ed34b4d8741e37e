"""The order of lists, the same in every database.

PostgreSQL sorts text as its locale says, SQLite by bytes, and the two put an empty column at different ends.  So names
of people go by what stands beside them (store/name_forms.py), numbers and names of machines by their bytes, and the
few places and sites, which people have named, are sorted here, after they were read (`names.text_key`).
"""

from typing import Any

from sqlalchemy import ColumnElement, Text, func
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from zonetag_backend.store import postgresql
from zonetag_backend.store.schema import person


class by_bytes(FunctionElement[str]):  # noqa: N801  # used as a function, as SQLAlchemy's own are
    """Text sorted by its bytes."""

    type = Text()
    inherit_cache = True


@compiles(by_bytes)
def _as_it_is(element: by_bytes, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(by_bytes, postgresql.NAME)
def _as_c(element: by_bytes, compiler: SQLCompiler, **options: Any) -> str:
    return f'({compiler.process(element.clauses, **options)}) COLLATE "C"'


BY_NAME: tuple[ColumnElement[Any], ...] = (
    person.c.name_order,
    person.c.unit_order,
    by_bytes(func.coalesce(person.c.code, "")),
    person.c.id,
)
