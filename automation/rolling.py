"""The plan of a roll, pure: which server is next, and what the settings say of it. No roll needs memory of its own:
the settings hold how far it has come."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from models.hetzner import Hetzner, names
from models.hetzner.names import CONTROL_PLANE, ENTERPRISE_PREFIX

ENTERPRISE: Final = "enterprise"

Unit = int | str
"""A slot's number, or the slug of a tenant with a node of its own."""


@dataclass(frozen=True)
class Group:
    """Servers that are rolled together: a pool, the control plane, or tenants' own nodes."""

    name: str
    """The pool, or ``enterprise``."""
    path: tuple[str, ...]
    """Where the settings below ``hetzner`` say something of it."""
    units: tuple[Unit, ...]
    generation: int
    generations: Mapping[Any, int]
    """Of single units."""
    retiring: Mapping[Any, int]
    """Units' old servers that still stand."""
    whole: bool = True
    """All servers that the settings at ``path`` are about; else the one tenant's of many."""

    def generation_of(self, unit: Unit) -> int:
        """The generation of the unit's current server."""
        return self.generations.get(unit, self.generation)

    @property
    def begun(self) -> bool:
        """Whether a roll is under way."""
        behind = self.whole and any(self.generation_of(unit) != self.generation for unit in self.units)
        return behind or bool(self.retiring)

    @property
    def target(self) -> int:
        """The generation that the roll leads to: that of one under way, or the next."""
        highest = max((self.generation_of(unit) for unit in self.units), default=self.generation)
        return highest if self.begun else highest + 1

    def superseded(self, cluster: str) -> set[str]:
        """Names that the units' servers had before, and that none has any more."""
        return {
            self.server(cluster, unit, generation)
            for unit in self.units
            for generation in range(1, self.generation_of(unit))
            if generation != self.retiring.get(unit)
        }

    def server(self, cluster: str, unit: Unit, generation: int) -> str:
        """Name of the unit's server in that generation."""
        if isinstance(unit, str):
            return names.server(cluster, names.enterprise_pool(unit), 1, generation)
        return names.server(cluster, self.name, unit, generation)


@dataclass(frozen=True)
class Replace:
    """Order the unit's next server, beside the old one."""

    unit: Unit
    old: int
    new: int


@dataclass(frozen=True)
class Retire:
    """Move the pods off the old server, and let it go."""

    unit: Unit
    old: int
    new: int


@dataclass(frozen=True)
class Finish:
    """Every server is of this generation: the pool as a whole is."""

    generation: int


Step = Replace | Retire | Finish


def group_of(settings: Hetzner, name: str, enterprise: Iterable[str]) -> Group:
    """The group called ``name``: ``control-plane``, a pool, ``enterprise``, or ``t-SLUG`` for one tenant's node.

    ``enterprise`` are the slugs of tenants with nodes of their own. Raises ``LookupError`` for a name that there isn't.
    """
    slugs = sorted(enterprise)
    template = settings.enterprise
    if name == ENTERPRISE:
        retiring = {slug: old for slug, old in template.retiring.items() if slug in slugs}
        return Group(
            name,
            (ENTERPRISE,),
            tuple(slugs),
            template.generation,
            template.generations,
            retiring,
        )
    if name.removeprefix(ENTERPRISE_PREFIX) in slugs and name.startswith(ENTERPRISE_PREFIX):
        slug = name.removeprefix(ENTERPRISE_PREFIX)
        retiring = {slug: template.retiring[slug]} if slug in template.retiring else {}
        generations = {slug: template.generations.get(slug, template.generation)}
        return Group(name, (ENTERPRISE,), (slug,), template.generation, generations, retiring, whole=False)
    pool = settings.control_plane if name == CONTROL_PLANE else settings.pools.get(name)
    if pool is None:
        raise LookupError(name)
    path = ("control_plane",) if name == CONTROL_PLANE else ("pools", name)
    return Group(name, path, tuple(pool.slots), pool.generation, pool.generations, pool.retiring)


def groups(settings: Hetzner, enterprise: Iterable[str]) -> list[str]:
    """What can be rolled."""
    slugs = sorted(enterprise)
    tenants = [ENTERPRISE, *map(names.enterprise_pool, slugs)] if slugs else []
    return [CONTROL_PLANE, *settings.pools, *tenants]


def next_step(group: Group, target: int) -> Step | None:
    """What to do next so that every server of the group is of generation ``target``; None when all is done."""
    for unit in group.units:
        if unit in group.retiring:
            return Retire(unit, group.retiring[unit], group.generation_of(unit))
    for unit in group.units:
        if group.generation_of(unit) < target:
            return Replace(unit, group.generation_of(unit), target)
    if group.whole and (group.generation != target or group.generations):
        return Finish(target)
    return None
