"""An environment's settings from ``Pulumi.<environment>.yaml``."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.environment import EnvironmentSettings
from models.loading.clear_text import report_secrets
from models.loading.document import Document, Keys, read
from models.loading.hetzner import check_hetzner
from models.loading.problems import InvalidInput, nearest
from models.loading.validate import validate

PROJECT: Final = "foundation"
"""The Pulumi project's name, which stands before each of its configuration keys."""
SETTINGS: Final[Keys] = ("config", f"{PROJECT}:environment")
"""Where the settings stand in the stack's file."""
GERMAN_LOCATIONS: Final = ("fsn1", "nbg1")
"""Data stays in Germany: Falkenstein or Nuremberg (FC-180, FC-287)."""


def is_local(environment: str) -> bool:
    """Whether the environment runs on one machine, in a sandbox: it is named ``local`` or ``local-...``."""
    return environment == "local" or environment.startswith("local-")


def load_settings(path: Path, environment: str) -> EnvironmentSettings:
    """The settings in ``path``. Raises InvalidInput with every problem in the file."""
    document, settings = read_settings(path, environment)
    if settings is None or document.problems:
        raise InvalidInput(document.problems)
    return settings


def read_settings(
    path: Path, environment: str, *, base: Path | None = None
) -> tuple[Document, EnvironmentSettings | None]:
    """The file and its settings (None when they don't validate); problems are noted in the document.

    Raises InvalidInput when the file can't be read at all.
    """
    document = read(path, base=base)
    report_secrets(document, below=("config",))
    if document.value(SETTINGS) is None:
        document.report((), f"holds no settings under `config: {SETTINGS[1]}:`", show=False)
        return document, None
    settings = validate(EnvironmentSettings, document, SETTINGS)
    if settings is not None:
        _check_region(document, settings, environment)
        check_hetzner(document, settings, environment, SETTINGS, GERMAN_LOCATIONS)
        _check_references(document)
    return document, settings


def _check_region(document: Document, settings: EnvironmentSettings, environment: str) -> None:
    allowed = ("local",) if is_local(environment) else GERMAN_LOCATIONS
    if settings.region not in allowed:
        hint = nearest(settings.region, allowed)
        document.report((*SETTINGS, "region"), f"is no region for {environment}", hint=hint, prefix=SETTINGS)


def _check_references(document: Document) -> None:
    """What a reference names must be secret where it stands in the same file."""
    config = document.value(("config",))
    assert isinstance(config, dict)
    for keys, name in _references(document.value(SETTINGS), SETTINGS):
        entry = f"{PROJECT}:{name}"
        if entry in config and not (isinstance(config[entry], dict) and set(config[entry]) == {"secure"}):
            hint = f"set it by `pulumi config set --secret {name}`"
            document.report(("config", entry), "is a secret that stands in clear", hint=hint, show=False)
            document.report(keys, f"names {entry}, which stands in clear", show=False, prefix=SETTINGS)


def _references(value: object, keys: Keys) -> list[tuple[Keys, str]]:
    found: list[tuple[Keys, str]] = []
    if isinstance(value, dict):
        for key, item in value.items():
            down = (*keys, key)
            if key in ("config", "kubeconfig_config") and isinstance(item, str):
                found.append((down, item))
            found.extend(_references(item, down))
    return found
