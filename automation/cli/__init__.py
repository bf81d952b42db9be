"""The command line ``foundation``: thin commands over :mod:`automation`'s functions."""

from automation.cli.app import app

__all__ = ["app"]
