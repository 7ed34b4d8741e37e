"""A description of the pages for schemathesis, from the tables of routes and rights themselves."""

import re
from typing import Any

from zonetag_backend.web.rights import RIGHTS

# What pages read, in a query or a form; more than any one of them does.
NAMES = (
    "q unit day page limit show person tag form site step done act name code reason kind text lang back place title"
    " basis"
)


def description(values: dict[str, str]) -> dict[str, Any]:
    """OpenAPI 3.0 of every path and verb but the streams, which never end.

    `values`: of each parameter of a path one that is there, so that not every answer is 404.
    """
    paths: dict[str, Any] = {}
    for path, verbs in RIGHTS.items():
        if path.endswith("/live"):
            continue
        names = re.findall(r"{(\w+)}", path)
        parts = [
            {"name": name, "in": "path", "required": True, "schema": _part(values.get(name, "1"))} for name in names
        ]
        for verb in verbs:
            operation: dict[str, Any] = {"responses": {"200": {"description": "a page"}}, "parameters": list(parts)}
            if verb == "GET":
                operation["parameters"] += [
                    {"name": name, "in": "query", "schema": {"type": "string"}} for name in NAMES.split()
                ]
            else:
                fields = {name: {"type": "string"} for name in NAMES.split()}
                form = {"schema": {"type": "object", "properties": fields, "additionalProperties": {"type": "string"}}}
                operation["requestBody"] = {"content": {"application/x-www-form-urlencoded": form}}
            paths.setdefault(path, {})[verb.lower()] = operation
    return {"openapi": "3.0.3", "info": {"title": "zonetag", "version": "0"}, "paths": paths}


def _part(value: str) -> dict[str, Any]:
    return {"anyOf": [{"type": "string", "enum": [value]}, {"type": "string", "minLength": 1}]}
