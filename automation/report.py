"""What an update did or would do, gathered from the engine's events."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from pulumi.automation.events import EngineEvent, StepEventMetadata, StepEventStateMetadata

from automation.cost.difference import Bill, Difference

TENANT_TYPE = "foundation:tenant:TenantStack"
PLATFORM = "(platform)"

# The engine's step names, in the words of the summary. Steps that are no change of their own are left out:
# a replacement is counted once, not as its create and its delete too.
ACTIONS = {
    "create": "create",
    "update": "update",
    "replace": "replace",
    "delete": "delete",
    "refresh": "refresh",
    "import": "import",
    "import-replacement": "replace",
    "discard": "delete",
    "read": "read",
    "read-replacement": "read",
}
Action = Literal["create", "update", "replace", "delete", "import"]
CHANGES: tuple[Action, ...] = ("create", "update", "replace", "delete", "import")

PENDING_WARNING = "pending operations"


@dataclass(frozen=True)
class Change:
    """One resource that is created, updated, replaced, deleted or imported."""

    action: str
    type: str
    name: str
    urn: str
    tenant: str | None
    properties: tuple[str, ...] = ()
    """Paths of changed properties; never their values."""


@dataclass(frozen=True)
class Diagnostic:
    """A message of the engine, a provider or the program about one resource, or about none."""

    severity: str
    message: str
    urn: str | None = None


@dataclass(frozen=True)
class Violation:
    """A broken policy."""

    policy: str
    level: str
    message: str
    urn: str | None


@dataclass
class Report:
    """Grows as the engine's events arrive; ``on_change`` hears of every step that starts or ends."""

    kind: str
    preview: bool = False
    changes: list[Change] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    running: dict[str, float] = field(default_factory=dict)
    """URN -> monotonic time of the step's start."""
    said: dict[str, str] = field(default_factory=dict)
    """URN -> what its provider last said about the running step, such as what a Deployment is waiting for."""
    failed: dict[str, StepEventStateMetadata] = field(default_factory=dict)
    """URN -> what could not be created."""
    started_steps: int = 0
    finished_steps: int = 0
    pending_operations: bool = False
    """The engine found operations that an interrupted update left behind."""
    bill: Bill = field(default_factory=Bill)
    """What costs money, before and after."""
    cost: Difference | None = None
    """What the update changes in the month's bill; None when it changes nothing there."""
    on_change: Callable[[Report, Change | None], None] | None = None
    begun: float = field(default_factory=time.monotonic)
    seconds: float = 0.0
    _parents: dict[str, str] = field(default_factory=dict)
    _ended: set[tuple[str, str]] = field(default_factory=set)

    def handle(self, event: EngineEvent) -> None:
        """Take in one event of the engine."""
        if event.resource_pre_event:
            self._starts(event.resource_pre_event.metadata)
        elif event.res_outputs_event:
            self._ends(event.res_outputs_event.metadata)
        elif event.res_op_failed_event:
            step = event.res_op_failed_event.metadata
            if _action(step) == "create" and step.new is not None:
                self.failed[step.urn] = step.new
            self._stops(step.urn)
            self._tell(None)
        elif event.diagnostic_event:
            self._hear(event)
        elif event.policy_event:
            policy = event.policy_event
            self.violations.append(
                Violation(policy.policy_name, policy.enforcement_level, policy.message.strip(), policy.resource_urn)
            )
        elif event.summary_event:
            self.seconds = time.monotonic() - self.begun
            # Deletions are told children first, before their parents are known.
            self.changes = [replace(change, tenant=self.tenant_of(change.urn)) for change in self.changes]

    @property
    def changed(self) -> bool:
        """Whether anything is different."""
        return bool(self.changes)

    @property
    def errors(self) -> list[Diagnostic]:
        """Errors, each told once."""
        return list(dict.fromkeys(note for note in self.diagnostics if note.severity == "error"))

    def by_tenant(self) -> dict[str, Counter[str]]:
        """Tenant (or the platform) -> action -> number of resources, unchanged ones not counted."""
        table: dict[str, Counter[str]] = {}
        for change in self.changes:
            table.setdefault(change.tenant or PLATFORM, Counter())[change.action] += 1
        return dict(sorted(table.items()))

    def to_json(self) -> dict[str, Any]:
        """Stable keys for machines."""
        return {
            "kind": self.kind,
            "preview": self.preview,
            "changed": self.changed,
            "counts": {action: self.counts[action] for action in (*CHANGES, "same")},
            "changes": [asdict(change) for change in self.changes],
            "violations": [asdict(violation) for violation in self.violations],
            "errors": [asdict(error) for error in self.errors],
            "cost": None if self.cost is None else self.cost.to_json(),
            "seconds": round(self.seconds, 3),
        }

    def tenant_of(self, urn: str) -> str | None:
        """The tenant that a resource seen in this update belongs to; None for the platform's."""
        while urn:
            qualified_type, name = urn.split("::")[-2:]
            if qualified_type.rpartition("$")[2] == TENANT_TYPE:
                return name
            urn = self._parents.get(urn, "")
        return None

    def _starts(self, step: StepEventMetadata) -> None:
        self._place(step)
        if self._action(step) in CHANGES:
            self.started_steps += 1
            self.running[step.urn] = time.monotonic()
            self._tell(None)

    def _ends(self, step: StepEventMetadata) -> None:
        self._place(step)
        self._stops(step.urn)
        action = self._action(step)
        if action == "refresh":
            # What a refresh found: the engine sends the old and the new state, and the difference between them.
            action = _found(step)
        # A preview tells of a component twice: when it is registered and when its outputs are.
        if (step.urn, action) in self._ended:
            return
        self._ended.add((step.urn, action))
        if action == "same" or action not in CHANGES:
            self.counts["same" if action == "same" else str(action)] += 1
            return
        self.finished_steps += 1
        self.counts[action] += 1
        name = step.urn.rpartition("::")[2]
        paths = tuple(sorted(step.detailed_diff or step.diffs or ()))
        change = Change(action, step.type, name, step.urn, self.tenant_of(step.urn), paths)
        self.changes.append(change)
        self._tell(change)

    def _action(self, step: StepEventMetadata) -> str:
        state = step.new or step.old
        # What is refreshed with the program at hand tells of components and providers too.
        return "same" if self.kind == "refresh" and state is not None and not _can_drift(state) else _action(step)

    def _stops(self, urn: str) -> None:
        self.running.pop(urn, None)
        self.said.pop(urn, None)

    def _hear(self, event: EngineEvent) -> None:
        note = event.diagnostic_event
        assert note is not None, "called for diagnostics only"
        if note.ephemeral:
            if note.urn in self.running:
                self.said[note.urn] = _plain(note.message).strip()
                self._tell(None)
            return
        if PENDING_WARNING in note.message:
            self.pending_operations = True
        self.diagnostics.append(Diagnostic(note.severity, _plain(note.message).strip(), note.urn or None))

    def _place(self, step: StepEventMetadata) -> None:
        self.bill.hear(step)
        state = step.new or step.old
        if state is not None and state.parent:
            self._parents[step.urn] = state.parent

    def _tell(self, change: Change | None) -> None:
        if self.on_change is not None:
            self.on_change(self, change)


def _action(step: StepEventMetadata) -> str:
    op = getattr(step.op, "value", step.op)
    return "same" if op == "same" else ACTIONS.get(str(op), str(op))


def _can_drift(state: StepEventStateMetadata) -> bool:
    """Components and providers are what the program says: there is nothing that somebody could change by hand."""
    return bool(state.custom) and not state.type.startswith("pulumi:providers:")


def _found(step: StepEventMetadata) -> str:
    if step.new is None:
        return "delete"
    # Not the detailed difference: what the files want otherwise is in it too.
    old = step.old.outputs if step.old else None
    return "same" if old == step.new.outputs else "update"


def _plain(message: str) -> str:
    """Without the engine's colour marks, such as ``<{%reset%}>``."""
    from rich.text import Text

    marks = message.split("<{%")
    without = marks[0] + "".join(mark.partition("%}>")[2] for mark in marks[1:])
    return Text.from_ansi(without).plain
