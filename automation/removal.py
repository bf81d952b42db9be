"""Down: an environment is removed, or a local one's servers are stopped."""

from __future__ import annotations

import shutil

from pulumi.automation import Deployment, Stack

from automation.engine import open_stack, resources_of
from automation.errors import FoundationError, Refused
from automation.locks import lock_holders
from automation.operations import OnChange
from automation.project import Project
from automation.report import Report
from automation.running import Tell, busy, run_engine, silent
from local.sandbox import Sandbox


def down(
    project: Project, tell: Tell = silent, on_change: OnChange | None = None, *, keep_data: bool = False
) -> Report:
    """Remove the environment.

    A local one goes with its sandbox and every file of it; with ``keep_data`` its servers are only stopped, and
    ``up`` starts them again. A shared one is refused (``Refused``) while protected resources hold data. Raises
    ``Busy`` while an update runs.
    """
    report = Report("down", on_change=on_change)
    if not project.is_local:
        _destroy_shared(project, report, tell)
        return report
    sandbox = Sandbox(project.directory)
    if keep_data:
        sandbox.stop()
    elif not project.directory.state.is_dir():
        _remove_sandbox(project, sandbox)
    else:
        _destroy_local(project, sandbox, report, tell)
    return report


def _destroy_shared(project: Project, report: Report, tell: Tell) -> None:
    stack = open_stack(project)
    if held := protected(stack):
        raise Refused(
            f"{len(held)} protected resources of {project.environment} hold data",
            problems=[urn.rpartition("::")[2] for urn in held],
            next_step="take final backups (foundation tenants remove SLUG), then `pulumi state unprotect URN` each",
        )
    _destroy(stack, report, tell)
    stack.workspace.remove_stack(stack.name, preserve_config=True)


def _destroy_local(project: Project, sandbox: Sandbox, report: Report, tell: Tell) -> None:
    """Where everything of the stack lies in the sandbox's own servers, it goes with them, all at once. The engine is
    needed only for what stays: the user's own cluster, or a sandbox that other stacks use."""
    running = [holder for holder in lock_holders(project.directory.state) if not holder.is_dead()]
    if running:
        raise busy(project.environment, running)
    stack = open_stack(project)
    others = [other.name for other in stack.workspace.list_stacks() if other.name != stack.name]
    if others or sandbox.context is not None:
        sandbox.start(progress=tell)
        unprotect(stack)
        try:
            _destroy(stack, report, tell)
        except FoundationError:
            # Databases with data aren't dropped, and needn't be where their server goes.
            if others or any(kind.startswith("kubernetes:") for kind in _types(stack)):
                raise
        stack.workspace.remove_stack(stack.name, force=True, preserve_config=True)
    if others:
        tell(f"the sandbox stays: {', '.join(others)} runs in it too")
    else:
        _remove_sandbox(project, sandbox)


def _destroy(stack: Stack, report: Report, tell: Tell) -> None:
    def run() -> None:
        stack.destroy(on_event=report.handle, show_secrets=False, run_program=False, continue_on_error=True)

    run_engine(stack, report, tell, run)


def _remove_sandbox(project: Project, sandbox: Sandbox) -> None:
    sandbox.destroy()
    # Whatever the toolchain, the engine and the sandbox keep lies in this one folder.
    shutil.rmtree(project.directory.root)


def protected(stack: Stack) -> list[str]:
    """URNs of the resources that the engine refuses to delete."""
    return [resource["urn"] for resource in resources_of(stack) if resource.get("protect")]


def unprotect(stack: Stack) -> None:
    """Let the engine delete every resource of the stack."""
    deployment = stack.export_stack()
    state = dict(deployment.deployment or {})
    held = [resource for resource in state.get("resources") or [] if resource.pop("protect", False)]
    if held:
        stack.import_stack(Deployment(deployment.version, state))


def _types(stack: Stack) -> set[str]:
    return {resource["type"] for resource in resources_of(stack)}
