"""Starts a module of this repository as a plugin of the engine: ``python launch.py MODULE ARGUMENTS``.

It needs neither an installed project nor ``PYTHONPATH`` (which programs started by the plugin would inherit), and
works from any working directory.
"""

import importlib.util
import runpy
import sys
from pathlib import Path
from types import ModuleType


def _light_sdk() -> None:
    """Let ``pulumi.runtime.proto`` be imported alone.

    Importing ``pulumi`` takes 0.3 CPU seconds (Automation API, dill, OpenTelemetry), and one ``pulumi up`` starts a
    process for every plugin twice. A plugin speaks the protocol only, so the packages above it stay empty here.
    """
    spec = importlib.util.find_spec("pulumi")
    if spec is None or spec.origin is None:
        sys.exit("the Pulumi SDK isn't installed for this interpreter: run `make setup`")
    folder = Path(spec.origin).parent
    for name in ("pulumi", "pulumi.runtime", "pulumi.runtime.proto"):
        package = ModuleType(name)
        package.__path__ = [str(folder.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


def main() -> None:
    # In place of this file's folder, whose modules must not hide others of the same name.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    module = sys.argv[1]
    # What follows is the plugin's own command line.
    sys.argv[:2] = [module]
    _light_sdk()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


main()
