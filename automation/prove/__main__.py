"""``python -m automation.prove NAME``."""

from __future__ import annotations

import sys

from automation.prove import gateway, hetzner, local  # noqa: F401  register their proofs
from automation.prove.frame import run

if __name__ == "__main__":
    sys.exit(run(sys.argv[1] if len(sys.argv) > 1 else "local"))
