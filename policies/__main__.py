"""Hands the rules to Pulumi's engine as a policy pack."""

from __future__ import annotations

import sys
from pathlib import Path

# The engine starts this folder as a program of its own: the project's packages lie one folder up.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from policies.pack import pack

pack()
