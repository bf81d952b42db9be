"""What is installed beside a program, read from the files of its packages: no interpreter and no pip is started."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

PLUGIN_FILE = "pulumi-plugin.json"


@dataclass(frozen=True)
class PluginPackage:
    """The provider plugin that an installed SDK package asks for (``pulumi-plugin.json``)."""

    name: str
    version: str
    server: str


def plugin_packages(site_packages: Iterable[Path]) -> Iterator[PluginPackage]:
    """The plugin of each installed package that names one, ordered by folder."""
    for folder in site_packages:
        for file in sorted(folder.glob(f"*/{PLUGIN_FILE}")):
            content = json.loads(file.read_text())
            if not content.get("resource"):
                continue
            name = content.get("name") or file.parent.name.removeprefix("pulumi_").replace("_", "-")
            version = str(content.get("version") or _version_of(file.parent))
            yield PluginPackage(
                name, version if version.startswith("v") else f"v{version}", content.get("server") or ""
            )


def installed(site_packages: Iterable[Path], *, transitive: bool) -> list[tuple[str, str]]:
    """Names and versions of the installed packages, by name; without ``transitive`` only those that no other
    installed package requires."""
    from importlib.metadata import distributions  # 15 ms that no update needs

    found = list(distributions(path=[str(folder) for folder in site_packages]))
    required: set[str] = set()
    if not transitive:
        for distribution in found:
            for requirement in distribution.requires or []:
                name = re.match(r"[A-Za-z0-9._-]+", requirement)
                if name and "extra ==" not in requirement:
                    required.add(_canonical(name[0]))
    return sorted((d.name, d.version) for d in found if _canonical(d.name) not in required)


def _version_of(package: Path) -> str:
    from importlib.metadata import distributions

    name = _canonical(package.name)
    return next((d.version for d in distributions(path=[str(package.parent)]) if _canonical(d.name) == name), "0.0.0")


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
