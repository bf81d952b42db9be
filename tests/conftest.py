"""What tests of the whole share: one toolchain, one sandbox for all workers of a run, and scratch projects."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from filelock import FileLock

from local.directory import FoundationDirectory
from local.kubernetes.nodes import DEFAULT_NODES, Node
from local.sandbox import Sandbox
from local.toolchain import Toolchain, ensure
from tests.scratch import ScratchProject

Projects = Callable[..., ScratchProject]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Groups come first: a parallel run hands them out whole, and one that began last would be waited for."""
    items.sort(key=lambda item: item.get_closest_marker("xdist_group") is None)


# The platforms of all the environments that tests have at one time.
ROOM = Node("infra-more", 32, 256, {"pool": "infra"})


@pytest.fixture(scope="session")
def foundation_directory(tmp_path_factory: pytest.TempPathFactory) -> FoundationDirectory:
    """The folder of the run's local environment; the workers of a parallel run share it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    return FoundationDirectory(shared / "foundation").create()


@pytest.fixture(scope="session")
def toolchain(foundation_directory: FoundationDirectory) -> Toolchain:
    """The toolchain, ready; built on a machine's first run."""
    with FileLock(foundation_directory.root / "toolchain.lock"):
        return ensure(foundation_directory)


@pytest.fixture(scope="session")
def sandbox(foundation_directory: FoundationDirectory) -> Iterator[Sandbox]:
    """A running sandbox for the whole run. A test that stops or breaks one uses one of its own."""
    users = foundation_directory.root / "users"
    lock = FileLock(foundation_directory.root / "users.lock")
    with lock:
        users.mkdir(exist_ok=True)
        (users / str(os.getpid())).touch()
        shared = Sandbox(foundation_directory)
        shared.start(nodes=[*DEFAULT_NODES, ROOM])
    yield shared
    with lock:
        (users / str(os.getpid())).unlink()
        # A worker that crashed left its name; it uses the sandbox no more.
        if not any(psutil.pid_exists(int(user.name)) for user in users.iterdir()):
            shared.destroy()


@pytest.fixture
def project(tmp_path: Path, toolchain: Toolchain, sandbox: Sandbox) -> Iterator[Projects]:
    """Makes scratch projects on the shared sandbox, each with its own stack, slugs, database and namespace.

    ``project("acme", "globex")`` has tenants whose slugs begin so; what they leave behind is removed.
    """
    yield from _projects(tmp_path, sandbox)


@pytest.fixture(scope="module")
def module_project(
    tmp_path_factory: pytest.TempPathFactory, toolchain: Toolchain, sandbox: Sandbox
) -> Iterator[Projects]:
    """``project`` for tests that share an environment; their module is one xdist group, so that it is made once."""
    yield from _projects(tmp_path_factory.mktemp("module"), sandbox)


def _projects(folder: Path, sandbox: Sandbox) -> Iterator[Projects]:
    made: list[ScratchProject] = []

    def make(*tenants: str, plan: str = "starter") -> ScratchProject:
        scratch = ScratchProject.make(folder / f"project-{len(made)}", sandbox.directory)
        made.append(scratch)
        for tenant in tenants:
            scratch.add_tenant(tenant, plan)
        return scratch

    yield make
    for scratch in made:
        scratch.destroy()
