"""The provider plugins of a local environment, placed in its ``PULUMI_HOME``."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version as distribution_version
from pathlib import Path

from local.toolchain.launchers import place_link, write_file, write_launcher

REFERENCE_VARIABLE = "FOUNDATION_REFERENCE_PLUGINS"
STAND_INS = Path(__file__).with_name("plugins")
STAND_INS_MODULE = "local.toolchain.plugins"
# In each plugin folder that was placed from here: what isn't ours is left alone.
MARK = ".foundation"

_EXECUTABLE = re.compile(r"pulumi-resource-(?P<name>[a-z0-9-]+)")


@dataclass(frozen=True)
class ProviderPlugin:
    """A provider plugin to place: a stand-in (``executable`` is None) or a genuine one."""

    name: str
    version: str
    executable: Path | None


def place_plugins(pulumi_home: Path, *, published: bool) -> list[ProviderPlugin]:
    """Place the plugins in ``pulumi_home`` and return them; plugins placed earlier and no longer wanted go.

    Genuine ones from the folder that ``FOUNDATION_REFERENCE_PLUGINS`` names come first. For the other names it is
    the stand-ins, unless the engine can fetch the published plugins (``published``). A folder takes the version of
    the installed SDK package, for this is the version that programs ask for.
    """
    plugins = {} if published else {plugin.name: plugin for plugin in stand_ins()}
    plugins |= {plugin.name: plugin for plugin in reference_plugins()}
    folder = pulumi_home / "plugins"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"resource-{plugin.name}-v{plugin.version}": plugin for plugin in plugins.values()}
    for mark in folder.glob(f"resource-*/{MARK}"):
        if mark.parent.name not in wanted:
            shutil.rmtree(mark.parent, ignore_errors=True)
    for name, plugin in wanted.items():
        executable = folder / name / f"pulumi-resource-{plugin.name}"
        # The mark comes first: a folder that a kill left without its executable is completed by the next run.
        write_file(executable.with_name(MARK), "", mode=0o644)
        if plugin.executable is None:
            write_launcher(executable, f"{STAND_INS_MODULE}.{plugin.name}")
        else:
            place_link(executable, plugin.executable)
    return [plugins[name] for name in sorted(plugins)]


def stand_ins() -> Iterator[ProviderPlugin]:
    """The stand-in plugins of this repository whose SDK package is installed."""
    for module in sorted(STAND_INS.glob("*/__main__.py")):
        name = module.parent.name
        version = sdk_version_of(name)
        if version is not None:
            yield ProviderPlugin(name, version, None)


def reference_plugins() -> Iterator[ProviderPlugin]:
    """Genuine plugins in the folder ``FOUNDATION_REFERENCE_PLUGINS``, directly or one folder down as in a
    Pulumi home. Raises ``NotADirectoryError`` when it is no folder, ``FileNotFoundError`` when it holds none."""
    named = os.environ.get(REFERENCE_VARIABLE)
    if not named:
        return
    folder = Path(named).expanduser().resolve()
    if not folder.is_dir():
        raise NotADirectoryError(
            f"{REFERENCE_VARIABLE}={named}: no such folder; name one that holds pulumi-resource-NAME"
        )
    found = False
    for executable in sorted([*folder.glob("pulumi-resource-*"), *folder.glob("*/pulumi-resource-*")]):
        match = _EXECUTABLE.fullmatch(executable.name)
        if match and os.access(executable, os.X_OK) and executable.is_file():
            found = True
            installed = sdk_version_of(match["name"])
            in_name = re.search(r"-v(\d+\.\d+\.\d+\S*)$", executable.parent.name)
            yield ProviderPlugin(match["name"], installed or (in_name[1] if in_name else "0.0.0"), executable)
    if not found:
        raise FileNotFoundError(f"{REFERENCE_VARIABLE}={named}: it holds no executable pulumi-resource-NAME")


def sdk_version_of(name: str) -> str | None:
    """The plugin version that the installed SDK package of provider ``name`` asks for; None when not installed."""
    module = f"pulumi_{name.replace('-', '_')}"
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).with_name("pulumi-plugin.json")
    asked = json.loads(file.read_text()).get("version") if file.exists() else None
    return str(asked or distribution_version(module.replace("_", "-"))).removeprefix("v")
