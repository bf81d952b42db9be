"""Up, preview, refresh and down of an environment: what the CLI, CI and the signup service call."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pulumi.automation import CommandError, Stack
from pulumi.automation.errors import ConcurrentUpdateError, StackNotFoundError

from automation.engine import clear_pending, engine_environment, interruptible, open_stack
from automation.errors import Busy, FoundationError, Refused
from automation.locks import holders
from automation.project import Project
from automation.report import Change, Report
from local.kubernetes.nodes import DEFAULT_NODES, Node, enterprise_node
from local.sandbox import Sandbox
from models.loading import Environment
from models.plan import Pool

Tell = Callable[[str], None]
"""Hears one line for each thing worth saying."""
OnChange = Callable[[Report, Change | None], None]

CANCELLED = "update cancelled"
# What messages hold when a change would lose data: the register of tenants speaks, or the engine's own protection.
REFUSALS = ("foundation:tenancy:Registry", "marked for protection", "it is protected")


@dataclass
class Session:
    """One environment, loaded and ready for the engine."""

    project: Project
    environment: Environment
    stack: Stack


def silent(line: str) -> None:
    """Says nothing."""


def prepare(project: Project, tell: Tell = silent, *, sandbox: bool = True, context: str | None = None) -> Session:
    """Check the files, make the toolchain ready and start the sandbox of a local environment.

    The files come first: ``BadInput`` is raised before anything is touched. ``context`` names a context of the
    user's own kubeconfig to use in place of the sandbox's cluster.
    """
    environment = project.load()
    variables = engine_environment(project)
    if project.is_local and sandbox:
        Sandbox(project.directory, context=context).start(progress=tell, nodes=_nodes(environment))
    return Session(project, environment, open_stack(project, variables))


def _nodes(environment: Environment) -> list[Node]:
    """The sandbox's nodes, with those that tenants have to themselves: no autoscaler adds them here."""
    nodes = {node.name: node for node in DEFAULT_NODES}
    for tenant in environment.tenants:
        if environment.plan(tenant).pool is Pool.DEDICATED:
            own = enterprise_node(tenant.slug)
            nodes[own.name] = own
    return list(nodes.values())


def up(
    project: Project,
    tell: Tell = silent,
    on_change: OnChange | None = None,
    *,
    context: str | None = None,
    refresh: bool = False,
    on_output: Tell | None = None,
) -> tuple[Session, Report]:
    """Make the world match the files. Run again after anything went wrong: it finishes the work.

    ``refresh`` looks at the world first, so that what was changed by hand is put right. ``on_output`` gets the
    engine's own detailed diff, line by line.

    Raises ``BadInput``, ``Busy``, ``Refused`` or ``FoundationError``.
    """
    session = prepare(project, tell, context=context)
    report = Report("up", on_change=on_change)
    policies = [str(pack) for pack in project.policies] or None

    def run() -> None:
        session.stack.up(
            policy_packs=policies,
            refresh=refresh or None,
            suppress_outputs=True,
            diff=on_output is not None or None,
            on_output=on_output,
            on_event=report.handle,
            show_secrets=False,
        )

    _engine(session.stack, report, tell, run, create=True)
    if report.pending_operations:
        count = clear_pending(session.stack)
        tell(f"{count} unfinished steps of an interrupted update are done now")
    return session, report


def preview(
    project: Project, tell: Tell = silent, on_change: OnChange | None = None, *, on_output: Tell | None = None
) -> tuple[Session, Report]:
    """What ``up`` would do. Raises as ``up`` does."""
    session = prepare(project, tell)
    report = Report("preview", preview=True, on_change=on_change)
    policies = [str(pack) for pack in project.policies] or None

    def run() -> None:
        session.stack.preview(
            policy_packs=policies,
            diff=on_output is not None or None,
            on_output=on_output,
            on_event=report.handle,
        )

    _engine(session.stack, report, tell, run, create=True)
    return session, report


def refresh(
    project: Project, tell: Tell = silent, on_change: OnChange | None = None, *, check: bool = False
) -> tuple[Session, Report]:
    """Find what was changed by hand and write it to the state, so that the next ``up`` puts it right.

    ``check`` leaves the state as it is. Raises as ``up`` does.
    """
    session = prepare(project, tell)
    report = Report("refresh", preview=check, on_change=on_change)

    def run() -> None:
        if check:
            session.stack.preview_refresh(on_event=report.handle)
        else:
            session.stack.refresh(on_event=report.handle, show_secrets=False)

    _engine(session.stack, report, tell, run)
    return session, report


def down(
    project: Project, tell: Tell = silent, on_change: OnChange | None = None, *, keep_data: bool = False
) -> Report:
    """Remove the environment.

    A local one goes with its sandbox and every file of it; with ``keep_data`` its servers are only stopped, and
    ``up`` starts them again. A shared one is refused (``Refused``) while protected resources hold data.
    """
    report = Report("down", on_change=on_change)
    sandbox = Sandbox(project.directory) if project.is_local else None
    if sandbox is not None and keep_data:
        sandbox.stop()
        return report
    if sandbox is not None and not project.directory.state.is_dir():
        _remove_sandbox(project, sandbox)
        return report
    variables = engine_environment(project)
    stack = open_stack(project, variables)
    if sandbox is not None and project.directory.sandbox_file.exists():
        sandbox.start(progress=tell)
    try:
        _destroy(project, stack, report, tell)
        stack.workspace.remove_stack(stack.name, preserve_config=True)
    except StackNotFoundError:
        tell(f"there is no stack {stack.name}")
    except Busy:
        raise
    except FoundationError as error:
        if sandbox is None or sandbox.context is not None:
            raise
        # Nothing of it lies outside the sandbox, which goes now.
        tell(f"the engine could not delete everything, but it goes with the sandbox: {error.problems or error}")
        stack.workspace.remove_stack(stack.name, force=True, preserve_config=True)
    if sandbox is not None:
        others = [other.name for other in stack.workspace.list_stacks()]
        if others:
            tell(f"the sandbox stays: {', '.join(others)} runs in it too")
        else:
            _remove_sandbox(project, sandbox)
    return report


def _destroy(project: Project, stack: Stack, report: Report, tell: Tell) -> None:
    if project.is_local:
        unprotect(stack)
    elif held := protected(stack):
        raise Refused(
            f"{len(held)} protected resources of {project.environment} hold data",
            problems=[urn.rpartition("::")[2] for urn in held],
            next_step="take final backups (foundation tenants remove SLUG), then `pulumi state unprotect URN` each",
        )

    def run() -> None:
        stack.destroy(on_event=report.handle, show_secrets=False, run_program=False)

    _engine(stack, report, tell, run)


def _remove_sandbox(project: Project, sandbox: Sandbox) -> None:
    sandbox.destroy()
    # Whatever the toolchain, the engine and the sandbox keep lies in this one folder.
    shutil.rmtree(project.directory.root)


def protected(stack: Stack) -> list[str]:
    """URNs of the resources that the engine refuses to delete."""
    state: dict[str, Any] = dict(stack.export_stack().deployment or {})
    return [resource["urn"] for resource in state.get("resources") or [] if resource.get("protect")]


def unprotect(stack: Stack) -> None:
    """Let the engine delete every resource of the stack."""
    deployment = stack.export_stack()
    state: dict[str, Any] = dict(deployment.deployment or {})
    resources = state.get("resources") or []
    held = [resource for resource in resources if resource.pop("protect", False)]
    if held:
        stack.import_stack(deployment)


def _engine(stack: Stack, report: Report, tell: Tell, run: Callable[[], None], *, create: bool = False) -> None:
    """Run the engine; a stack that isn't there yet is created, a lock that its dead holder left is removed."""
    try:
        with interruptible():
            try:
                run()
            except StackNotFoundError:
                if not create:
                    raise
                stack.workspace.create_stack(stack.name)
                run()
            except ConcurrentUpdateError as error:
                _break_dead_lock(stack, str(error), tell)
                run()
    except StackNotFoundError:
        raise
    except ConcurrentUpdateError as error:
        raise _busy(stack, str(error)) from error
    except CommandError as error:
        raise _failure(report, error) from error


def _break_dead_lock(stack: Stack, message: str, tell: Tell) -> None:
    found = holders(message)
    if not found or not all(holder.is_dead() for holder in found):
        raise _busy(stack, message)
    tell(f"removing the lock of an update that was killed: {found[0]}")
    stack.cancel()


def _busy(stack: Stack, message: str) -> Busy:
    found = holders(message)
    who = "; ".join(map(str, found)) or "someone else"
    return Busy(
        f"another update of stack {stack.name} is under way: {who}",
        next_step="wait for it to end; if that machine or process is certainly gone, run `pulumi cancel`",
    )


def _failure(report: Report, error: CommandError) -> FoundationError:
    """What went wrong, each thing told once."""
    mandatory = [violation for violation in report.violations if violation.level == "mandatory"]
    if mandatory:
        return Refused(
            f"{len(mandatory)} broken policies",
            problems=[f"{found.policy}: {found.message}" for found in mandatory],
            next_step="change what breaks them, or approve the change as the policy says",
        )
    if CANCELLED in str(error):
        return FoundationError(f"{report.kind} was stopped before its end", next_step="run the same command again")
    messages = [note.message for note in report.errors if note.message and note.message != "update failed"]
    if any(refusal in message for message in messages for refusal in REFUSALS):
        return Refused("the change was refused to keep data safe", problems=messages)
    return FoundationError(
        f"{report.kind} failed",
        problems=messages or [_last_lines(error)],
        next_step="mend the cause and run the same command again: it goes on where this one stopped",
    )


def _last_lines(error: CommandError) -> str:
    text = str(error)
    return "\n".join(text.strip().splitlines()[-20:])


def as_json(value: Any) -> str:
    """JSON for machines: UTF-8, indented, keys in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
