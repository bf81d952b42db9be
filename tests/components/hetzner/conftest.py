"""Emulators of Hetzner's API, as the emulator's own tests start them, and our provider's process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hetzner_emulator.conftest import _unstable, emulator, emulators, project, unstable
from tests.plugins.rpc import Plugin, foundation

__all__ = ["_unstable", "emulator", "emulators", "project", "unstable"]


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """Our provider, without an engine and without a database server."""
    with foundation() as running:
        running.configure({})
        yield running
