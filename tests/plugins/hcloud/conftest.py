"""The stand-in on an emulator, in a project of the test's own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hetzner_emulator.conftest import Emulator, Project, _unstable, emulator, emulators, unstable
from tests.plugins.hcloud.world import World, settings
from tests.plugins.rpc import Plugin, standin

__all__ = ["_unstable", "emulator", "emulators", "unstable"]


@pytest.fixture(scope="module")
def running() -> Iterator[Plugin]:
    """One process for all tests of a file, each of which configures it anew."""
    with standin("hcloud") as plugin:
        yield plugin


@pytest.fixture
def project(emulator: Emulator) -> Project:
    """A project of the test's own."""
    return emulator.project()


@pytest.fixture
def world(running: Plugin, project: Project) -> World:
    running.configure(settings(project))
    return World(running, project)
