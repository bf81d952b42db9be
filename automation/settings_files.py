"""Changing an environment's settings file: comments and order are kept, and it is checked before it counts."""

from __future__ import annotations

from collections.abc import Callable
from io import StringIO
from typing import Any

from ruamel.yaml import YAML

from automation.project import Project
from automation.tenant_files import put
from models.loading.settings import SETTINGS


def edit(project: Project, change: Callable[[Any], None]) -> None:
    """Apply ``change`` to the settings below ``hetzner``. Raises ``BadInput``, with nothing written, when they are
    wrong with it."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    # As it is written, not as nothing at all.
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    file = project.settings_file
    document = yaml.load(file.read_text(encoding="utf-8"))
    below = document
    for key in (*SETTINGS, "hetzner"):
        below = below[key]
    change(below)
    text = StringIO()
    yaml.dump(document, text)
    put(project, file, text.getvalue())


def section(settings: Any, *path: str) -> Any:
    """The mapping at ``path``, made where there is none."""
    for key in path:
        if settings.get(key) is None:
            settings[key] = {}
        settings = settings[key]
    return settings


def set_entry(settings: Any, path: tuple[str, ...], field: str, key: Any, value: Any) -> None:
    """Set one entry of a field that holds entries. Keys are text in these files, slots too."""
    section(settings, *path, field)[str(key)] = value


def drop_entry(settings: Any, path: tuple[str, ...], field: str, key: Any) -> None:
    """Remove one entry of a field, and the field with its last one."""
    below = section(settings, *path)
    entries = below.get(field)
    if entries is not None:
        entries.pop(str(key), None)
        if not entries:
            del below[field]
