"""Down: an environment is removed, or a local one's servers are stopped."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from typing import Any, Final

from pulumi.automation import Deployment, Stack
from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_fixed

from automation import teardown
from automation.cloud import open_cloud
from automation.engine import open_stack, resources_of
from automation.errors import BadInput, FoundationError, Refused
from automation.inventory import PASSING
from automation.locks import lock_holders
from automation.mending import catch_up, interrupted
from automation.operations import OnChange
from automation.project import Project
from automation.report import Report
from automation.running import Tell, busy, run_engine, silent
from local.sandbox import Sandbox
from models.loading import Environment

# A destruction that Hetzner interrupts with what passes is begun again, so often and after so many seconds.
ATTEMPTS = 4
PAUSE = 5.0
REGISTRY: Final = "foundation:tenancy:Registry"
TENANT: Final = "foundation:tenant:TenantStack"


def down(
    project: Project,
    tell: Tell = silent,
    on_change: OnChange | None = None,
    *,
    keep_data: bool = False,
    unprotect: bool = False,
) -> Report:
    """Remove the environment.

    A local one goes with its sandbox and every file of it; with ``keep_data`` its servers are only stopped, and
    ``up`` starts them again. A shared one is refused (``Refused``) while protected resources hold data;
    ``unprotect`` lets go of servers, volumes and addresses at Hetzner, and of the platform's own when no tenant is
    left, but of no tenant's data. Raises ``Busy`` while an update runs.
    """
    report = Report("down", on_change=on_change)
    if not project.is_local:
        _destroy_shared(project, report, tell, unprotect)
        return report
    sandbox = Sandbox(project.directory)
    if keep_data:
        sandbox.stop()
    elif not project.directory.state.is_dir():
        _remove_sandbox(project, sandbox)
    else:
        _destroy_local(project, sandbox, report, tell)
    return report


def _destroy_shared(project: Project, report: Report, tell: Tell, unprotected: bool) -> None:
    stack = open_stack(project)
    held = guarded(resources_of(stack), unprotected=unprotected)
    if held:
        servers = any(_at_hetzner(urn) for urn in held)
        raise Refused(
            f"{len(held)} protected resources of {project.environment} hold data",
            problems=[urn.rpartition("::")[2] for urn in held],
            next_step="take final backups (foundation tenants remove SLUG), then `pulumi state unprotect URN` each"
            + ("; servers and volumes at Hetzner go with --unprotect" if servers else "")
            + "; when no tenant is left, so does all of the platform",
        )
    if unprotected:
        unprotect(stack)
    _destroy_everything(project, stack, report, tell)
    stack.workspace.remove_stack(stack.name, preserve_config=True)


def guarded(resources: Iterable[Mapping[str, Any]], *, unprotected: bool = False) -> list[str]:
    """URNs of the protected resources that a shared environment isn't removed with. ``unprotected`` lets go of what is
    at Hetzner, and of the platform's own when the register has no tenant left; never of a tenant's."""
    state = list(resources)
    tenants = any(found["type"] == REGISTRY and (found.get("outputs") or {}).get("tenants") for found in state)

    def goes(urn: str) -> bool:
        return _at_hetzner(urn) or not (tenants or TENANT in urn.split("::")[2].split("$"))

    held = [found["urn"] for found in state if found.get("protect")]
    return [urn for urn in held if not (unprotected and goes(urn))]


def _at_hetzner(urn: str) -> bool:
    return urn.split("::")[2].rpartition("$")[2].startswith("hcloud:")


def _destroy_everything(project: Project, stack: Stack, report: Report, tell: Tell) -> None:
    """By the engine; where there is a cluster at Hetzner, what its controllers made before and what is left after."""
    environment = _loaded(project, stack)
    if environment is None or environment.settings.hetzner is None:
        _destroy(stack, report, tell)
        return
    cloud = open_cloud(project, environment, stack)
    catch_up(stack, set(interrupted(stack.export_stack().deployment or {})), tell, run_program=False)
    teardown.clear(project, environment, stack, cloud, tell)
    _destroy(stack, report, tell)
    teardown.sweep(cloud, tell)


def _loaded(project: Project, stack: Stack) -> Environment | None:
    """The environment's files. Where nothing is at Hetzner, they needn't be right for it to be removed."""
    try:
        return project.load()
    except BadInput:
        if any("hcloud" in kind for kind in _types(stack)):
            raise
        return None


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
            _destroy_everything(project, stack, report, tell)
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

    again = Retrying(
        retry=retry_if_exception(_passes), stop=stop_after_attempt(ATTEMPTS), wait=wait_fixed(PAUSE), reraise=True
    )
    again(run_engine, stack, report, tell, run)


def _passes(error: BaseException) -> bool:
    """Whether Hetzner refused only for what was under way on the objects."""
    return isinstance(error, FoundationError) and any(
        f"({code}" in problem for problem in error.problems for code in PASSING
    )


def _remove_sandbox(project: Project, sandbox: Sandbox) -> None:
    sandbox.destroy()
    # Whatever the toolchain, the engine and the sandbox keep lies in this one folder.
    shutil.rmtree(project.directory.root)


def unprotect(stack: Stack) -> None:
    """Let the engine delete every resource of the stack."""
    deployment = stack.export_stack()
    state = dict(deployment.deployment or {})
    held = [resource for resource in state.get("resources") or [] if resource.pop("protect", False)]
    if held:
        stack.import_stack(Deployment(deployment.version, state))


def _types(stack: Stack) -> set[str]:
    return {resource["type"] for resource in resources_of(stack)}
