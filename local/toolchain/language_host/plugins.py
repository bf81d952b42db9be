"""How a Python plugin is started: policy packs, providers and component packages."""

from __future__ import annotations

import tomllib
from pathlib import Path


def plugin_command(kind: str, folder: Path, arguments: list[str]) -> list[str]:
    """The interpreter's arguments that run the plugin in ``folder`` (kind: resource, analyzer, ...).

    A policy pack runs under the SDK's pack server, a folder with ``__main__.py`` as a program, and a package
    without one under the SDK's component host, by the name in its ``pyproject.toml``.
    """
    if kind == "analyzer":
        return ["-m", "pulumi.policy", *arguments, str(folder)]
    project = folder / "pyproject.toml"
    if not (folder / "__main__.py").exists() and project.exists():
        name = tomllib.loads(project.read_text()).get("project", {}).get("name")
        if name:
            return ["-m", "pulumi.run.plugin", name, *arguments]
    return [str(folder), *arguments]
