"""Sandboxes for tests that stop, break or remove theirs; the others use the one of the whole run."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from kubernetes import client, config
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from local.directory import FoundationDirectory
from local.sandbox import Sandbox

# Longer than anything here takes on a busy machine: only a failing test waits for it.
PATIENCE = 60


def eventually(check: Callable[[], Any]) -> Any:
    """Repeat ``check`` until its assertions hold; its last AssertionError is raised when they never do."""
    attempts = Retrying(
        retry=retry_if_exception_type(AssertionError),
        stop=stop_after_delay(PATIENCE),
        wait=wait_fixed(0.1),
        reraise=True,
    )
    return attempts(check)


def connect(directory: FoundationDirectory, **overrides: str) -> psycopg.Connection:
    """Log in as clients do: by service ``local`` of the service file."""
    lines = (line.partition("=") for line in directory.pg_service_file.read_text().splitlines() if "=" in line)
    settings = {key: value for key, _, value in lines}
    return psycopg.connect(psycopg.conninfo.make_conninfo("", **(settings | overrides)), autocommit=True)


def processes_of(directory: FoundationDirectory) -> list[psutil.Process]:
    """Every living process that has a file of this folder open, stands in it or names it in its arguments."""
    folders = (str(directory.root), str(Sandbox(directory).postgres.place.folder))

    def touches(process: psutil.Process) -> bool:
        try:
            paths = [process.cwd(), *process.cmdline(), *(file.path for file in process.open_files())]
            return process.status() != psutil.STATUS_ZOMBIE and any(
                path.startswith(folder) for path in paths for folder in folders
            )
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return False

    return [process for process in psutil.process_iter() if touches(process)]


@pytest.fixture(scope="module")
def modules_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(FoundationDirectory(tmp_path_factory.mktemp("own") / ".foundation").create())
    try:
        yield sandbox
    finally:
        sandbox.destroy()


@pytest.fixture
def own(modules_own: Sandbox) -> Sandbox:
    """A running sandbox that the tests of one module may stop and kill, but not destroy."""
    modules_own.start()
    return modules_own


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that was never started; the test may leave it in any state."""
    sandbox = Sandbox(FoundationDirectory(tmp_path / ".foundation").create())
    try:
        yield sandbox
    finally:
        sandbox.destroy()


@pytest.fixture
def cluster(sandbox: Sandbox) -> Iterator[client.ApiClient]:
    api = config.new_client_from_config(config_file=str(sandbox.directory.kubeconfig))
    with api:
        yield api


@pytest.fixture
def namespace(cluster: client.ApiClient) -> Iterator[str]:
    """A namespace with restricted Pod Security."""
    name = f"test-{uuid.uuid4().hex[:8]}"
    core = client.CoreV1Api(cluster)
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    core.create_namespace({"metadata": {"name": name, "labels": labels}})

    def has_service_account() -> None:
        names = [account.metadata.name for account in core.list_namespaced_service_account(name).items]
        assert "default" in names

    eventually(has_service_account)
    yield name
    core.delete_namespace(name)
