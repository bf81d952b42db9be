"""``versions.yaml``: what a cluster is made of, read and checked against the floors."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import StringConstraints, model_validator

from models.base import Model

FILE = Path(__file__).resolve().parent.parent / "versions.yaml"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Https = Annotated[str, StringConstraints(pattern=r"^https://[a-z0-9./-]+[a-z0-9]$")]
Architecture = Literal["amd64", "arm64"]


class Pinned(Model):
    """A version, the lowest that will do, and why."""

    version: str
    floor: str
    because: str

    @model_validator(mode="after")
    def _above_floor(self) -> Self:
        if numbers(self.version) < numbers(self.floor):
            raise ValueError(f"is {self.version}, below the floor {self.floor}: {self.because}")
        return self


class Program(Pinned):
    """A program that nodes fetch."""

    source: Https
    sha256: Mapping[Architecture, Sha256]

    @model_validator(mode="after")
    def _every_architecture(self) -> Self:
        if set(self.sha256) != {"amd64", "arm64"}:
            raise ValueError("must have a checksum for amd64 and for arm64")
        return self


class Chart(Pinned):
    """A Helm chart that the cluster fetches."""

    repository: Https


class Versions(Model):
    """The whole file."""

    k3s: Program
    restic: Program
    charts: Mapping[str, Chart]


def numbers(version: str) -> tuple[int, ...]:
    """The numbers of a version to compare by: (1, 36, 4) of ``v1.36.4+k3s1``. Raises ``ValueError``."""
    found = re.match(r"^v?(\d+)\.(\d+)\.(\d+)(\+.*)?$", version)
    if found is None:
        raise ValueError(f"{version!r} is no released version such as v1.2.3")
    return tuple(int(part) for part in found.groups()[:3])


@cache
def load(file: Path = FILE) -> Versions:
    """The file's content. Raises pydantic's ``ValidationError``."""
    return Versions.model_validate(yaml.safe_load(file.read_text()))
