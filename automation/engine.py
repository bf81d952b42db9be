"""The engine, driven through the Automation API on the project folder.

A plain ``Stack.up`` of the SDK starts six CLI processes, and several of those derive the key of the stack's secrets
anew (a second each). Here an update is one process: what the others ask for, the events have told already.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import psutil
from pulumi.automation import (
    Deployment,
    LocalWorkspace,
    OutputMap,
    PulumiCommand,
    Stack,
    UpdateSummary,
)
from pulumi.automation._stack import StackInitMode
from pulumi.automation.errors import StackNotFoundError
from semver import VersionInfo

from automation.errors import BadInput
from automation.project import Project

if TYPE_CHECKING:
    from local.directory import FoundationDirectory

# The SDK's words, with its source line, for an engine that ended before its time; its exit code tells the same.
warnings.filterwarnings("ignore", "Error in event stream")

BACKEND = "PULUMI_BACKEND_URL"
# What a person has set for a shared environment is theirs; a local environment always has its own.
OWN_SETTINGS = (BACKEND, "PULUMI_HOME", "PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE")


class _Workspace(LocalWorkspace):
    def select_stack(self, stack_name: str) -> None:
        """Every command names its stack: nothing to select, and no process to start for it."""

    def export_stack(self, stack_name: str) -> Deployment:
        """The state with its secrets encrypted. The SDK asks for them in clear, and would write them to a file in
        clear when the state is imported again."""
        command = ["stack", "export", "--stack", stack_name]
        exported = json.loads(self.pulumi_command.run(command, self.work_dir, self.env_vars).stdout)
        return Deployment(exported["version"], exported["deployment"])

    def stack_outputs(self, stack_name: str) -> OutputMap:
        """Not asked for after an update: nothing here reads them, and it takes two processes."""
        return {}


class _Command(PulumiCommand):
    def __init__(self, directory: FoundationDirectory) -> None:
        """The toolchain knows its CLI's version. Asking it takes a process for each command, which the SDK starts
        outside the project's own environment: its log would pile up in the user's ``~/.pulumi``."""
        from local.toolchain import ensure

        self.command = str(directory.bin / "pulumi")
        self.version = VersionInfo.parse(ensure(directory).cli.version.removeprefix("v"))


class _Stack(Stack):
    def info(self, show_secrets: bool = True) -> UpdateSummary:
        """What the events told is enough; the history is read by those who want it."""
        return UpdateSummary("update", datetime.now(UTC), "", {}, {}, "succeeded")


def engine_environment(project: Project) -> dict[str, str]:
    """The variables that the engine runs with, the toolchain made ready.

    Raises ``BadInput`` when a shared environment has no backend; what ``local.toolchain.ensure`` raises passes.
    """
    from local.toolchain import ensure

    environment = ensure(project.directory).environment()
    if project.is_local:
        return environment
    if BACKEND not in os.environ:
        raise BadInput(
            f"environment {project.environment!r} is shared, and no backend holds its state",
            next_step=f"set {BACKEND} (such as s3://bucket) and PULUMI_CONFIG_PASSPHRASE_FILE; see docs/how-to",
        )
    return environment | {name: os.environ[name] for name in OWN_SETTINGS if name in os.environ}


def open_stack(project: Project, environment: Mapping[str, str] | None = None) -> Stack:
    """The environment's stack; whether it exists shows at its first use (``StackNotFoundError``)."""
    variables = dict(environment or engine_environment(project))
    workspace = _Workspace(work_dir=str(project.folder), env_vars=variables, pulumi_command=_Command(project.directory))
    return _Stack(project.environment, workspace, StackInitMode.SELECT)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Pass Ctrl-C on to the engine and wait for it: it ends the running steps and writes the state.

    A terminal sends the signal to the whole foreground group, engine included; from elsewhere only this process gets
    it. A second Ctrl-C makes the engine stop at once.
    """

    def pass_on(number: int, frame: FrameType | None) -> None:
        print("stopping: the running steps end first (again: stop at once)", file=sys.stderr, flush=True)
        if number == signal.SIGTERM or not _from_terminal():
            for child in psutil.Process().children():
                with contextlib.suppress(psutil.NoSuchProcess):
                    child.send_signal(signal.SIGINT)

    try:
        before = {number: signal.signal(number, pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
    except ValueError:  # not the main thread: whoever owns that one handles signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _from_terminal() -> bool:
    """Whether this process is in the foreground of a terminal: its engine then got the signal from there too."""
    try:
        with Path("/dev/tty").open() as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def resources_of(stack: Stack) -> list[dict[str, Any]]:
    """The resources in the stack's state, secrets encrypted; none when there is no stack."""
    try:
        state = stack.export_stack().deployment or {}
    except StackNotFoundError:
        return []
    return list(state.get("resources") or [])


def created(stack: Stack) -> dict[str, str]:
    """URN -> when the resource was made, as the state says (ISO 8601)."""
    return {resource["urn"]: resource["created"] for resource in resources_of(stack) if resource.get("created")}


def clear_pending(stack: Stack) -> int:
    """Forget operations that an interrupted update left behind; the number forgotten.

    To be called after an update that succeeded: every resource of the program is in the state by then, and a pending
    creation is only the memory of an attempt. Every name is fixed, so the attempt can't have left a second object.
    """
    deployment = stack.export_stack()
    state = dict(deployment.deployment or {})
    pending = state.pop("pending_operations", None) or []
    if pending:
        stack.import_stack(Deployment(deployment.version, state))
    return len(pending)
