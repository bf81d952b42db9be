"""Nodes of an environment at Hetzner: rolled one by one, removed. Every step leaves settings that hold together, so
an interrupted roll is finished by the same command, and an ``up`` in the middle of it does no harm."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from kubernetes import client
from kubernetes.client import ApiException

from automation import drain, rolling
from automation.cloud import open_cloud
from automation.cluster import Unreachable, reached
from automation.engine import open_stack, resources_of
from automation.errors import BadInput, FoundationError, Refused
from automation.inventory import AUTOSCALER, SERVER, remove
from automation.operations import up
from automation.project import Project
from automation.rolling import Finish, Group, Replace, Retire
from automation.running import Tell, silent
from automation.settings_files import drop_entry, edit, section, set_entry
from models.hetzner import Hetzner, names
from models.hetzner.names import CONTROL_PLANE
from models.loading import Environment
from models.plan import Pool

Update = Callable[[Project, Tell], None]
"""Makes the world match the files."""


def run_up(project: Project, tell: Tell) -> None:
    """``up``, as the command does it."""
    up(project, tell)


def roll(project: Project, pool: str, tell: Tell = silent, update: Update = run_up) -> int:
    """Replace every server of the pool by a new one, one after the other; the number replaced.

    For each: the new server joins, the old node's pods move off it as PodDisruptionBudgets allow, then it goes. Raises
    ``BadInput`` for a pool that there isn't, ``Refused`` when a budget never lets a pod go or the control plane isn't
    whole, and what ``up`` raises.
    """
    with _cluster(project) as api:
        group = _group(project, pool)
        left = _nodes(api) & group.superseded(_settings(project.load()).cluster)
        _check_before(api, project, group)
    if left and not group.begun:
        # All that an interrupted roll didn't come to any more: the old servers' removal.
        update(project, tell)
        return len(left)
    target = group.target
    tell(f"rolling {pool} to generation {target}")
    replaced = 0
    while (step := rolling.next_step(group, target)) is not None:
        if isinstance(step, Replace):
            _replace(project, group, step)
        elif isinstance(step, Retire):
            _retire(project, group, step, tell, update)
            replaced += 1
        else:
            update(project, tell)
            _finish(project, group, step)
        group = _group(project, pool)
    return replaced


def unprotect(project: Project, name: str) -> None:
    """Write into the settings that the server may go: the first of two steps, ``up`` being the second half of it.

    Raises ``BadInput`` for a server that the settings don't describe.
    """
    group, unit = _unit(project, name)
    if isinstance(unit, str):
        edit(project, lambda settings: section(settings, *group.path).update(protect=False))
        return

    def change(settings: Any) -> None:
        below = section(settings, *group.path)
        below["unprotected"] = sorted({*(below.get("unprotected") or ()), unit})

    edit(project, change)


def take_away(project: Project, name: str, tell: Tell = silent, update: Update = run_up) -> None:
    """Remove one node: its pods move first. A pool's last slot goes with the pool's ``count``; a node that the cluster
    autoscaler made goes at Hetzner.

    Raises ``BadInput`` for other servers: a slot in the middle is rolled, not removed.
    """
    environment = project.load()
    stack = open_stack(project)
    cloud = open_cloud(project, environment, stack)
    found = [item for item in cloud.objects(resources_of(stack)) if item.kind == SERVER.name and item.name == name]
    if found and found[0].maker == AUTOSCALER:
        _empty(project, name, tell)
        remove(found, tell)
        return
    group, unit = _unit(project, name)
    if not isinstance(unit, int) or unit != len(group.units):
        raise BadInput(
            f"{name} isn't the last server of {group.name}",
            next_step=f"remove the last one, or replace them all: foundation nodes roll {group.name}",
        )
    if len(group.units) == 1 and group.name == CONTROL_PLANE:
        raise BadInput("the last server of the control plane can't be removed", next_step="foundation down")
    if found and found[0].protected:
        unprotect(project, name)
        update(project, tell)
    _empty(project, name, tell)

    def change(settings: Any) -> None:
        below = section(settings, *group.path)
        below["count"] = unit - 1
        drop_entry(settings, group.path, "generations", unit)
        if unit in (below.get("unprotected") or ()):
            below["unprotected"] = [slot for slot in below["unprotected"] if slot != unit]

    edit(project, change)
    update(project, tell)


def _replace(project: Project, group: Group, step: Replace) -> None:
    def change(settings: Any) -> None:
        set_entry(settings, group.path, "generations", step.unit, step.new)
        set_entry(settings, group.path, "retiring", step.unit, step.old)

    edit(project, change)


def _retire(project: Project, group: Group, step: Retire, tell: Tell, update: Update) -> None:
    cluster = _settings(project.load()).cluster
    old, new = (group.server(cluster, step.unit, generation) for generation in (step.old, step.new))
    tell(f"{old} makes way for {new}")
    update(project, tell)
    with _cluster(project) as api:
        drain.wait_until_ready(api, new, tell)
        if group.name == CONTROL_PLANE:
            _check_quorum(api, project)
        if drain.node(api, old) is not None:
            drain.cordon(api, old)
            drain.drain(api, old, tell)
            if group.name == CONTROL_PLANE:
                # k3s takes the member out of etcd when its node is deleted.
                _delete_node(api, old)
    edit(project, lambda settings: drop_entry(settings, group.path, "retiring", step.unit))
    update(project, tell)
    tell(f"{old} is gone")


def _finish(project: Project, group: Group, step: Finish) -> None:
    def change(settings: Any) -> None:
        below = section(settings, *group.path)
        below["generation"] = step.generation
        below.pop("generations", None)

    edit(project, change)


def _empty(project: Project, name: str, tell: Tell) -> None:
    with _cluster(project) as api:
        if drain.node(api, name) is not None:
            drain.cordon(api, name)
            drain.drain(api, name, tell)


def _check_before(api: Any, project: Project, group: Group) -> None:
    settings = _settings(project.load())
    nodes = [group.server(settings.cluster, unit, group.generation_of(unit)) for unit in group.units]
    if blocking := drain.blocking_budgets(api, nodes):
        raise Refused(
            f"{len(blocking)} PodDisruptionBudgets hold pods on the nodes of {group.name} for ever",
            problems=blocking,
            next_step="let them allow one pod to move (maxUnavailable: 1), then run the same command again",
        )
    if group.name == CONTROL_PLANE:
        _check_quorum(api, project)


def _check_quorum(api: Any, project: Project) -> None:
    """All servers of the control plane that should be there are ready: then one may go."""
    settings = _settings(project.load())
    pool = settings.control_plane
    wanted = [names.server(settings.cluster, CONTROL_PLANE, slot, pool.generation_of(slot)) for slot in pool.slots]
    away = []
    for name in wanted:
        found = drain.node(api, name)
        if found is None or not drain.is_ready(found):
            away.append(f"{name} is " + ("missing" if found is None else "not ready"))
    if away:
        raise Refused(
            "the control plane isn't whole: one server less could cost its majority",
            problems=away,
            next_step="mend that first",
        )


def _nodes(api: Any) -> set[str]:
    core: Any = client.CoreV1Api(api)
    return {node.metadata.name for node in core.list_node().items}


def _delete_node(api: Any, name: str) -> None:
    core: Any = client.CoreV1Api(api)
    try:
        core.delete_node(name)
    except ApiException as error:
        if error.status != 404:
            raise


def _settings(environment: Environment) -> Hetzner:
    settings = environment.settings.hetzner
    if settings is None:
        raise BadInput(f"environment {environment.name} has no cluster at Hetzner")
    return settings


def _enterprise(environment: Environment) -> list[str]:
    return [tenant.slug for tenant in environment.tenants if environment.plan(tenant).pool is Pool.DEDICATED]


def _group(project: Project, name: str) -> Group:
    environment = project.load()
    settings, slugs = _settings(environment), _enterprise(environment)
    try:
        return rolling.group_of(settings, name, slugs)
    except LookupError:
        raise BadInput(
            f"there is no pool {name!r} in environment {environment.name}",
            next_step=f"use one of: {', '.join(rolling.groups(settings, slugs))}",
        ) from None


def _unit(project: Project, server: str) -> tuple[Group, rolling.Unit]:
    environment = project.load()
    settings, slugs = _settings(environment), _enterprise(environment)
    for name in rolling.groups(settings, slugs):
        group = rolling.group_of(settings, name, slugs)
        for unit in group.units:
            if group.server(settings.cluster, unit, group.generation_of(unit)) == server:
                return group, unit
    raise BadInput(
        f"the settings of {environment.name} describe no server {server!r}",
        next_step="foundation nodes list names them",
    )


@contextmanager
def _cluster(project: Project) -> Iterator[Any]:
    environment = project.load()
    _settings(environment)
    try:
        with reached(project, environment, open_stack(project)) as api:
            yield api
    except Unreachable as error:
        raise FoundationError(
            f"{error.message}: no node is touched", problems=error.problems, next_step="bring the cluster back first"
        ) from error
