"""What the handling of a request has at hand."""

from __future__ import annotations

from dataclasses import dataclass, field

from local.hetzner.actions import Actions
from local.hetzner.catalogue import Catalogue
from local.hetzner.clock import Clock, timestamp
from local.hetzner.faults import Faults
from local.hetzner.listing import Record
from local.hetzner.projects import Projects
from local.hetzner.state import Objects, State

EVENTS = "events"


@dataclass(frozen=True)
class World:
    """The emulator: its memory, its time, what it offers and what goes wrong with it."""

    state: State
    clock: Clock
    catalogue: Catalogue
    faults: Faults
    projects: Projects


@dataclass(frozen=True)
class Context:
    """One project during one request, or while actions end."""

    world: World
    objects: Objects
    actions: Actions = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "actions", Actions(self))

    @classmethod
    def of(cls, world: World, project: str) -> Context:
        """For a project."""
        return cls(world, Objects(world.state, project))

    def now(self) -> str:
        """The time, as the API writes it."""
        return timestamp(self.world.clock.now())

    def emit(self, event: str, server: Record) -> None:
        """Tell the observers of servers, once this request is through."""
        self.objects.add(EVENTS, {"event": event, "server": server})
