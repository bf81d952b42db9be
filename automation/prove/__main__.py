"""``python -m automation.prove NAME``."""

from __future__ import annotations

import sys

from automation.prove import local  # noqa: F401  registers its proof
from automation.prove.frame import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else "local"))
