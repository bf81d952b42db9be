"""Up, preview and refresh of an environment: what the CLI, CI and the signup service call."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from pulumi.automation import Stack

from automation.engine import clear_pending, engine_environment, open_stack
from automation.errors import FoundationError
from automation.guard import judge
from automation.project import Project
from automation.report import Change, Report
from automation.running import Tell, run_engine, silent
from automation.stockout import candidates, with_next_candidates
from local.kubernetes.nodes import DEFAULT_NODES, Node, enterprise_node
from local.sandbox import Sandbox
from models.loading import Environment

if TYPE_CHECKING:
    from automation.cloud import Cloud

OnChange = Callable[[Report, Change | None], None]


@dataclass
class Session:
    """One environment, loaded and ready for the engine."""

    project: Project
    environment: Environment
    stack: Stack

    def cloud(self) -> Callable[[], Cloud]:
        """Opens the environment's Hetzner project, once. Raises ``BadInput`` when it has none."""
        from automation.cloud import open_cloud  # brings Hetzner's client

        return cache(partial(open_cloud, self.project, self.environment, self.stack))


def prepare(project: Project, tell: Tell = silent, *, sandbox: bool = True, context: str | None = None) -> Session:
    """Check the files, make the toolchain ready and start the sandbox of a local environment.

    The files come first: ``BadInput`` is raised before anything is touched. ``context`` names a context of the
    user's own kubeconfig to use in place of the sandbox's cluster.
    """
    environment = project.load()
    variables = engine_environment(project)
    if project.is_local and sandbox:
        settings = environment.settings
        parts = ["hetzner"] if settings.hetzner is not None else []
        if settings.gateway.redis.url_file is not None:
            # The front door of this machine, whose Redis the settings name.
            parts += ["pods", "redis", "traefik"]
        Sandbox(project.directory, context=context, parts=parts).start(progress=tell, nodes=_nodes(environment))
    return Session(project, environment, open_stack(project, variables))


def _nodes(environment: Environment) -> list[Node]:
    """The sandbox's nodes, with those that tenants have to themselves; none where the update makes the servers."""
    if environment.settings.hetzner is not None:
        return []
    nodes = {node.name: node for node in DEFAULT_NODES}
    for slug in environment.dedicated:
        own = enterprise_node(slug)
        nodes[own.name] = own
    return list(nodes.values())


def up(
    project: Project,
    tell: Tell = silent,
    on_change: OnChange | None = None,
    *,
    context: str | None = None,
    refresh: bool = False,
    exclude: Sequence[str] = (),
    on_output: Tell | None = None,
) -> tuple[Session, Report]:
    """Make the world match the files. Run again after anything went wrong: it finishes the work.

    A preview comes first: the policies that judge all resources together do so at its end, before anything is touched.
    Where it finds nothing to do, that is all. A server that is sold out is ordered again as its next candidate.

    ``refresh`` looks at the world first, so that what was changed by hand is put right. ``exclude`` are the URNs of
    resources that are left as they are, even if the files don't have them any more. ``on_output`` gets the engine's
    own detailed diff, line by line.

    Raises ``BadInput``, ``Busy``, ``Refused`` or ``FoundationError``.
    """
    session = prepare(project, tell, context=context)
    if session.environment.settings.hetzner is not None:
        from automation.mending import mend  # brings Hetzner's client

        mend(session.stack, session.cloud(), tell)
    tell("comparing the files with what is there")
    planned = Report("up")
    _run_preview(session, planned, tell, refresh=refresh, exclude=exclude, on_output=on_output)
    if not (planned.changed or planned.pending_operations or refresh):
        _open_front_door(session, tell)
        return session, planned
    reports: list[Report] = []

    def update() -> Report:
        report = Report("up", on_change=on_change, cost=planned.cost)
        reports.append(report)

        def run() -> None:
            session.stack.up(
                policy_packs=_policies(session),
                refresh=refresh or None,
                run_program=refresh or None,
                exclude=list(exclude) or None,
                suppress_outputs=True,
                on_event=report.handle,
                show_secrets=False,
            )

        try:
            run_engine(session.stack, report, tell, run)
        except FoundationError:
            if not _take_over(session, report, tell):
                raise
            return update()
        return report

    workspace = session.stack.workspace
    workspace.env_vars = variables = dict(workspace.env_vars or {})
    attempts = candidates(session.environment)
    report = with_next_candidates(update, lambda: reports[-1], attempts, tell, variables)
    if report.pending_operations:
        count = clear_pending(session.stack)
        tell(f"{count} unfinished steps of an interrupted update are done now")
    _open_front_door(session, tell)
    return session, report


def _take_over(session: Session, report: Report, tell: Tell) -> bool:
    """Whether something was in the way of the failed update that an interrupted one had made, and is in the state
    now, or gone."""
    from automation.adoption import DATABASE, adopt  # needed after failures only

    if session.environment.settings.hetzner is None:
        return adopt(session.stack, report, DATABASE, tell) > 0
    from automation.identities import at_hetzner
    from automation.mending import discard

    cloud = session.cloud()
    gone = discard(session.stack, report, cloud, tell)
    return gone + adopt(session.stack, report, DATABASE | at_hetzner(cloud), tell) > 0


def _open_front_door(session: Session, tell: Tell) -> None:
    from automation.front_door import front_door  # brings an HTTP client; environments elsewhere have no use for it

    door = front_door(session.project, session.environment)
    if door is not None:
        door.open(tell)


def preview(
    project: Project, tell: Tell = silent, on_change: OnChange | None = None, *, on_output: Tell | None = None
) -> tuple[Session, Report]:
    """What ``up`` would do. Raises as ``up`` does."""
    session = prepare(project, tell)
    report = Report("preview", preview=True, on_change=on_change)
    _run_preview(session, report, tell, on_output=on_output)
    return session, report


def _run_preview(
    session: Session,
    report: Report,
    tell: Tell,
    *,
    refresh: bool = False,
    exclude: Sequence[str] = (),
    on_output: Tell | None = None,
) -> None:
    def run() -> None:
        session.stack.preview(
            policy_packs=_policies(session),
            refresh=refresh or None,
            run_program=refresh or None,
            exclude=list(exclude) or None,
            diff=on_output is not None or None,
            on_output=on_output,
            on_event=report.handle,
        )

    run_engine(session.stack, report, tell, run, create=True)
    judge(session.environment, session.stack, report, tell)


def _policies(session: Session) -> list[str] | None:
    return [str(pack) for pack in session.project.policies] or None


def refresh(
    project: Project, tell: Tell = silent, on_change: OnChange | None = None, *, check: bool = False
) -> tuple[Session, Report]:
    """Find what was changed by hand and write it to the state, so that the next ``up`` puts it right.

    ``check`` leaves the state as it is. The program runs, so that the providers look where the files say, and not
    where the state remembers: a sandbox may have come up on other ports. Raises as ``up`` does.
    """
    session = prepare(project, tell)
    report = Report("refresh", preview=check, on_change=on_change)

    def run() -> None:
        if check:
            session.stack.preview_refresh(run_program=True, on_event=report.handle)
        else:
            session.stack.refresh(run_program=True, on_event=report.handle, show_secrets=False)

    run_engine(session.stack, report, tell, run)
    return session, report


def as_json(value: Any) -> str:
    """JSON for machines: UTF-8, indented, keys in the order given."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)
