"""The OpenAPI documents: of the control API, derived from its orders, and of the gateway, a file of this package."""

from __future__ import annotations

import json
from importlib import resources
from typing import TYPE_CHECKING, Any

from fake_instances.control.fault_values import fault_schemas

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fake_instances.control.orders import Declared


def gateway_document() -> dict[str, Any]:
    """Return the document of the routes that every instance serves (contract, section 6)."""
    text = resources.files("fake_instances").joinpath("gateway.openapi.json").read_text("utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


def control_document(orders: Iterable[Declared]) -> dict[str, Any]:
    """Return the document of the control API that takes these orders."""
    schemas: dict[str, Any] = {**fault_schemas(), "Error": _object({"error": {"type": "string"}})}
    paths: dict[str, dict[str, Any]] = {}
    for one in orders:
        schema = one.model.model_json_schema(ref_template="#/components/schemas/{model}")
        schemas |= schema.pop("$defs", {})
        values = schema.setdefault("properties", {})
        if "fault" in values:
            values["fault"] = _reference("Fault")
        in_query = [name for name in values if name not in one.in_path] if one.method == "GET" else []
        operation = {
            "summary": one.summary,
            "parameters": [
                {"name": name, "in": "path", "required": True, "schema": values.pop(name)}
                for name in one.in_path
            ]
            + [{"name": name, "in": "query", "schema": values.pop(name)} for name in in_query],
            "responses": {
                str(one.status): {
                    "description": "Done.",
                    "content": _content(_object(one.answer, whole=one.always)),
                },
                "4XX": {"description": "Why not.", "content": _content(_reference("Error"))},
            },
        }
        if one.method != "GET":
            schema["required"] = [name for name in schema.get("required", []) if name in values]
            schemas[one.model.__name__] = schema
            operation["requestBody"] = {"content": _content(_reference(one.model.__name__))}
        paths.setdefault(one.path, {})[one.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Control of a fleet of fake gateway instances", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


def _object(properties: dict[str, Any], *, whole: bool = True) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [*properties] if whole else [],
        "properties": properties,
    }


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}
