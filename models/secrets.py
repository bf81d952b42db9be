"""References to secrets. A tenant's file or a stack's settings never hold a secret's value."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from models.base import Model, explained

_KEY = "must be the name of a configuration key: letters, digits, - and _"


class SecretRef(Model):
    """Where a secret's value comes from: exactly one of ``config`` and ``generate``."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["config"]}, {"required": ["generate"]}]})

    config: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$"), explained(_KEY)] | None = None
    """A secret key of the stack's Pulumi configuration, set by `pulumi config set --secret KEY`."""
    generate: Annotated[int, Field(ge=16, le=128)] | None = None
    """Generate a random value of this many characters and keep it in the state, encrypted."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.config is None) == (self.generate is None):
            raise ValueError("give either `config: KEY` or `generate: LENGTH`")
        return self
