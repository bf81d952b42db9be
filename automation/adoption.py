"""What an update had made when it was killed, and its state doesn't hold: taken over, so that the next one goes on.

The engine writes down that it is about to make something, and afterwards that it has. Killed in between, it leaves a
pending creation, and the next update can't make the thing anew where its name is unique. The same is so when it was the
provider that died: the engine never heard what had become of its request.

Only such things are taken over. That something of the same name is there proves nothing: it may be somebody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pulumi.automation import CommandError, Stack
from pulumi.automation._stack import ImportResource

from automation.report import Report

Identify = Callable[[Mapping[str, Any]], str | None]
"""Finds the id of the object that was to be made of these inputs; None when there is none that is ours."""

# How PostgreSQL says that the name is taken. Hetzner has words of its own for each type, and is asked instead.
TAKEN = "already exists"
AT_HETZNER = "hcloud:"
# How the engine says that the provider ended, or could not be reached any more, while it was at work.
UNHEARD = ("error reading from server", "connection error", "transport is closing", "connection refused")


def by_name(inputs: Mapping[str, Any]) -> str | None:
    """The id of what is known by its name."""
    name = inputs.get("name")
    return name if isinstance(name, str) else None


# Only what its provider can't make a second time. The others are made again without harm: schemas and extensions if
# they aren't there yet, rights as they are to be, objects of Kubernetes by an apply.
DATABASE: dict[str, Identify] = {"postgresql:index/role:Role": by_name, "postgresql:index/database:Database": by_name}


@dataclass(frozen=True)
class Orphan:
    """Something that may have been made: as the engine was told to make it."""

    urn: str
    inputs: Mapping[str, Any]
    parent: str
    provider: str

    @property
    def type(self) -> str:
        """The resource's own type."""
        return _type(self.urn)

    @property
    def name(self) -> str:
        """The resource's name in the program."""
        return self.urn.rpartition("::")[2]


def adopt(stack: Stack, report: Report, identify: Mapping[str, Identify], tell: Callable[[str], None]) -> int:
    """Import what the failed update of ``report`` could not make because an interrupted one, or it itself, had made
    it already; the number of resources imported. ``identify`` says of each type how its objects are found."""
    found = []
    for orphan in orphans(stack, report):
        identity = identify[orphan.type](orphan.inputs) if orphan.type in identify else None
        if identity is not None:
            found.append((orphan, identity))
    for orphan, identity in found:
        tell(f"taking over {orphan.type} {identity}, which an interrupted update had made")
    return len(found) if found and _import(stack, found) else 0


def orphans(stack: Stack, report: Report) -> Iterator[Orphan]:
    """Creations that failed, with proof that the object may be ours: the state says that an update was about to make
    it, or the provider died over it just now."""
    taken, unheard = set(), set()
    for note in report.errors:
        if note.urn in report.failed:
            if any(mark in note.message for mark in UNHEARD):
                unheard.add(note.urn)
            elif TAKEN in note.message or _type(note.urn).startswith(AT_HETZNER):
                taken.add(note.urn)
    taken -= unheard
    if taken:
        state = stack.export_stack().deployment or {}
        for operation in state.get("pending_operations") or []:
            resource = operation["resource"]
            if operation["type"] == "creating" and resource["urn"] in taken:
                yield _orphan(resource["urn"], resource)
    for urn in sorted(unheard):
        step = report.failed[urn]
        yield _orphan(urn, {"inputs": step.inputs, "parent": step.parent, "provider": step.provider})


def _type(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _orphan(urn: str, resource: Mapping[str, Any]) -> Orphan:
    return Orphan(urn, resource.get("inputs") or {}, resource.get("parent") or "", resource.get("provider") or "")


def _import(stack: Stack, found: Sequence[tuple[Orphan, str]]) -> bool:
    """Whether the engine could import them; it asks each object's provider what it is."""
    names: dict[str, str] = {}

    def named(urn: str) -> str:
        return names.setdefault(urn, f"urn{len(names)}")

    resources = []
    for number, (orphan, identity) in enumerate(found):
        name = f"resource{number}"  # in the code that could be generated
        resource = ImportResource(type=orphan.type, name=name, logicalName=orphan.name, id=identity)
        if orphan.parent:
            resource["parent"] = named(orphan.parent)
        if orphan.provider:
            # URN::ID of the provider's resource.
            resource["provider"] = named(orphan.provider.rpartition("::")[0])
        resources.append(resource)
    table = {name: urn for urn, name in names.items()}
    try:
        # The update that follows protects what the program protects.
        stack.import_resources(resources=resources, name_table=table, protect=False, generate_code=False)
    except CommandError:
        # It was never made, or is of another kind: the update's own error says what is wrong.
        return False
    return True
