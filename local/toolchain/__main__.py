"""``python -m local.toolchain env``: the environment in which plain ``pulumi`` works, for a shell to evaluate."""

from __future__ import annotations

import sys
from pathlib import Path

from local.directory import FoundationDirectory
from local.toolchain import ensure, shell_exports

USAGE = 'usage: eval "$(python -m local.toolchain env)"'


def main(arguments: list[str]) -> int:
    """Print the environment of the project in the working directory; the exit code."""
    if arguments != ["env"]:
        print(USAGE, file=sys.stderr)
        return 2
    print(shell_exports(ensure(FoundationDirectory.find(Path.cwd())).environment()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
