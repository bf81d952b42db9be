"""The command line ``foundation``: thin commands over :mod:`automation`'s functions."""

import sys

# Even where the machine says otherwise: without kept bytecode every command compiles its libraries anew.
sys.dont_write_bytecode = False

from automation.cli.app import app  # noqa: E402 (what is set above is for these imports)

__all__ = ["app"]
