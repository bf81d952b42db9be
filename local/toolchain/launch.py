"""Starts a module of this repository as a plugin of the engine: ``python launch.py MODULE ARGUMENTS``.

It needs neither an installed project nor ``PYTHONPATH`` (which programs started by the plugin would inherit), and
works from any working directory.
"""

import runpy
import sys
from pathlib import Path


def main() -> None:
    # In place of this file's folder, whose modules must not hide others of the same name.
    sys.path[0] = str(Path(__file__).resolve().parents[2])
    module = sys.argv[1]
    # What follows is the plugin's own command line.
    sys.argv[:2] = [module]
    from provider.light_sdk import use_light_sdk

    use_light_sdk()
    runpy.run_module(module, run_name="__main__", alter_sys=True)


main()
