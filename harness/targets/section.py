"""A section of a target file: its keys, and what is said of one that is wrong. Pure."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator

from harness.targets.kinds import Kind, Via, WrongValueError, hint


class Section(BaseModel):
    """A table of a target file, in which unknown names are mistakes."""

    model_config = ConfigDict(strict=True, frozen=True)
    names: ClassVar[str] = "key"

    @classmethod
    def kinds(cls) -> dict[str, str]:
        """Map each key to the words for its type."""
        return {
            field.alias or name: next((one.words for one in field.metadata if isinstance(one, Kind)), "")
            for name, field in cls.model_fields.items()
        }

    @model_validator(mode="before")
    @classmethod
    def _know_every_name(cls, content: object) -> object:
        allowed = cls.kinds()
        for name in content if isinstance(content, dict) else ():
            if name not in allowed:
                key = f"[{name}]" if cls.names == "section" else name
                raise WrongValueError(f"unknown {cls.names}{hint(name, allowed)}", key)
        return content

    @model_validator(mode="after")
    def _match_via(self) -> Self:
        via = getattr(self, "via", None)
        for key, field in type(self).model_fields.items():
            for rule in (one for one in field.metadata if isinstance(one, Via)):
                given = key in self.model_fields_set
                if given and rule.name != via:
                    raise WrongValueError(f'is only for via = "{rule.name}", and via is {via!r}', key)
                if rule.name == via and rule.example and not any(getattr(self, key)):
                    raise WrongValueError(f"is missing; write {key} = {rule.example}", key)
        return self
