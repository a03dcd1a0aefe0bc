"""The OpenAPI documents: of the control API, from the very values that orders are checked by, and of the gateway.

Pure, but for the gateway's, which is a file of this package.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any

from fake_instances.control import orders

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fake_instances.control.actions import Route

_NUMBER: dict[str, Any] = {"type": "integer", "minimum": 0}
_QUERIES: dict[str, dict[str, dict[str, Any]]] = {
    "/journal": {"after": _NUMBER, "limit": _NUMBER, "wait": _NUMBER, "kind": {"type": "string"}},
}


def gateway_document() -> dict[str, Any]:
    """Give the document of the routes that every instance serves (contract, section 6)."""
    text = resources.files("fake_instances").joinpath("gateway.openapi.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def control_document(routes: Iterable[Route], actions: Iterable[str]) -> dict[str, Any]:
    """Give the document of the control API, whose instances can do these `actions`."""
    schemas: dict[str, Any] = {
        **orders.fault_schemas(),
        "Error": _object({"error": {"type": "string"}}),
    }
    parts = {"number": _NUMBER, "action": {"type": "string", "enum": list(actions)}}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = re.sub(r"<(?:int:)?(\w+)>", r"{\1}", route.path)
        operation: dict[str, Any] = {
            "summary": (route.carry_out.__doc__ or "").splitlines()[0],
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": parts[name]}
                for name in re.findall(r"{(\w+)}", path)
            ],
            "responses": {
                str(route.status): {
                    "description": "Done.",
                    "content": _content(_object(route.answer, route.always)),
                },
                "4XX": {"description": "Why not.", "content": _content(_reference("Error"))},
            },
        }
        if route.order is not None:
            schema = route.order.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas |= schema.pop("$defs", {})
            if "fault" in schema.get("properties", {}):
                schema["properties"]["fault"] = _reference("Fault")
            schemas[route.order.__name__] = schema
            operation["requestBody"] = {"content": _content(_reference(route.order.__name__))}
        operation["parameters"] += [
            {"name": name, "in": "query", "schema": schema} for name, schema in _QUERIES.get(path, {}).items()
        ]
        paths.setdefault(path, {})[route.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Control of a fleet of fake gateway instances", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _object(properties: dict[str, Any], required: Iterable[str] | None = None) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(properties if required is None else required),
        "properties": properties,
    }


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
