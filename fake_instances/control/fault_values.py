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
    for error in problem.errors(include_url=False):
        place = ".".join(str(part) for part in error["loc"])
        words = _words(error["type"], error.get("ctx", {}), error["msg"])
        parts.append(f"{place}: {words}" if place else words)
    return "; ".join(parts)


_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "dict": "an object",
    "bytes": "text",
    "frozen": "a list",
}
_WORDS = {
    "model_type": "it must be an object",
    "model_attributes_type": "it must be an object",
    "extra_forbidden": "there is no such field",
    "unexpected_keyword_argument": "there is no such parameter",
    "missing": "it must be given",
    "missing_argument": "it must be given",
    "greater_than_equal": "it must be {ge} or more",
    "greater_than": "it must be more than {gt}",
    "less_than_equal": "it must be {le} at most",
    "less_than": "it must be less than {lt}",
    "enum": "it must be {expected}",
    "literal_error": "it must be {expected}",
    "string_too_short": "it must not be empty",
    "string_too_long": "it must have {max_length} characters at most",
    "string_pattern_mismatch": "it is not written as it must be, such as http://127.0.0.1:8000",
    "finite_number": "it must be a finite number",
    "int_from_float": "it must be a whole number",
}
"""What is wrong, by the type of pydantic's error."""


def _words(kind: str, context: dict[str, Any], message: str) -> str:
    if (words := _WORDS.get(kind)) is not None:
        return words.format(**context)
    if kind == "value_error":
        return str(context.get("error", message))
    first = kind.partition("_")[0]
    return f"it must be {_KINDS[first]}" if first in _KINDS else message
