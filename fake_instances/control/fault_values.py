"""Reads faults from JSON values, and describes them as JSON Schema. Pure.

A fault is written `{"kind": "drip", "size": 1}`; the kinds are those of `fake_instances.faults.ALL`.
"""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter, ValidationError

from fake_instances.faults import ALL, Fault


def fault_from(value: object) -> Fault:
    """Return the fault of this kind with these parameters.

    Raises:
        ValueError: no fault is of this kind, or it does not take these parameters. The message says what is allowed.
    """
    if isinstance(value, Fault):
        return value
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise ValueError(f'write {{"kind": …}} and its parameters; kinds: {", ".join(ALL)}')  # noqa: TRY004
    kind = value["kind"]
    if kind not in ALL:
        raise ValueError(f"no fault is called {kind!r}; allowed: {', '.join(ALL)}")
    parameters = {name: one for name, one in value.items() if name != "kind"}
    if isinstance(parameters.get("by"), dict):
        parameters["by"] = fault_from(parameters["by"])
    try:
        fault: Fault = TypeAdapter(ALL[kind]).validate_python(parameters)
    except ValidationError as problem:
        raise ValueError(f"{kind}: {sentence(problem)}") from None
    return fault


def fault_schemas() -> dict[str, Any]:
    """Return the JSON Schemas of a fault, as `Fault`, with one alternative for each kind, and of the values in it."""
    kinds: list[dict[str, Any]] = []
    values: dict[str, Any] = {}
    for kind, fault in ALL.items():
        schema = TypeAdapter(fault).json_schema(ref_template="#/components/schemas/{model}")
        own = schema.get("properties", {})
        if "by" in own:  # another fault, with its own kind
            own["by"] = {"type": "object", "required": ["kind"]}
            schema.pop("$defs")
        values |= schema.pop("$defs", {})
        for one in own.values():
            if one.get("format") == "binary":
                del one["format"]
        schema["properties"] = {"kind": {"const": kind}, **own}
        schema["required"] = ["kind", *schema.get("required", [])]
        kinds.append(schema)
    return {"Fault": {"oneOf": kinds}, **values}


def sentence(problem: ValidationError) -> str:
    """Say in one line what is wrong with some values, and where."""
    parts = []
    for error in problem.errors(include_url=False, include_context=False):
        place = ".".join(str(part) for part in error["loc"])
        parts.append(f"{place}: {error['msg']}" if place else error["msg"])
    return "; ".join(parts)
