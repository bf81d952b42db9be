"""Actions: what a request begins and the clock finishes.

An action's effect is named, not held: after a kill the next process finds the action and finishes it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from local.hetzner.clock import timestamp
from local.hetzner.errors import ApiError
from local.hetzner.listing import Record
from local.hetzner.state import State

if TYPE_CHECKING:
    from local.hetzner.context import Context

KIND = "actions"
RUNNING = "running"
SUCCESS = "success"
ERROR = "error"

# What a request meets when an action of another request works on the object: servers and the like are locked, what
# is shared between many (networks, firewalls) answers that it changed, which the vendor's
# clients try again.
BUSY = {
    "server": "locked",
    "volume": "locked",
    "load_balancer": "locked",
    "primary_ip": "locked",
    "floating_ip": "locked",
    "image": "locked",
    "certificate": "locked",
    "network": "conflict",
    "firewall": "conflict",
}

Target = tuple[str, int]
Effect = Callable[..., None]
_EFFECTS: dict[str, Effect] = {}


def effect(function: Effect) -> Effect:
    """Register what actions do when they end; called with the context and the action's arguments."""
    _EFFECTS[function.__name__] = function
    return function


class Actions:
    """The actions of one project, as one request sees them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._begun: set[int] = set()

    def begin(
        self,
        command: str,
        targets: Sequence[Target],
        /,
        then: Effect | None = None,
        otherwise: Effect | None = None,
        after: Record | None = None,
        locks: Sequence[Target] | None = None,
        **arguments: Any,
    ) -> Record:
        """A new action on ``targets`` (type and ID). ``then`` happens when it succeeds, ``otherwise`` when it fails;
        it runs when ``after`` has ended, and fails with it. ``locks``: what it keeps others from; its targets.

        Raises ``ApiError`` where another request's action holds a target.
        """
        world = self._context.world
        held = [target for target in (targets if locks is None else locks) if target[0] in BUSY]
        self.require_idle(*held)
        now = world.clock.now()
        start = after["due"] if after else now
        seconds = (world.catalogue.duration(command) + world.faults.delay(command)) / world.clock.speed
        record = self._context.objects.add(
            KIND,
            {
                "command": command,
                "status": RUNNING,
                "begun": start,
                "due": start + seconds,
                "started": timestamp(now),
                "finished": None,
                "resources": [{"id": identity, "type": kind} for kind, identity in targets],
                "error": None,
                "fault": world.faults.action_error(command),
                "locks": [list(target) for target in held],
                "after": after["id"] if after else None,
                "then": then.__name__ if then else None,
                "otherwise": otherwise.__name__ if otherwise else None,
                "arguments": arguments,
            },
        )
        self._begun.add(record["id"])
        return self._finish(record) if seconds == 0 and after is None else record

    def require_idle(self, *targets: Target) -> None:
        """Raise ``ApiError`` where an action of another request works on one of the targets."""
        running = [action for action in self.running() if action["id"] not in self._begun]
        for kind, identity in targets:
            if any([kind, identity] in action["locks"] for action in running):
                what = kind.replace("_", " ")
                if BUSY[kind] == "conflict":
                    raise ApiError("conflict", f"{what} is being changed by another action, please retry")
                raise ApiError("locked", f"{what} is locked")

    def running(self) -> list[Record]:
        """Those that have not ended."""
        owner = self._context.objects.project
        return [action for project, action in running(self._context.world.state) if project == owner]

    def view(self, record: Record) -> Record:
        """As the API shows it."""
        progress = 100
        if record["status"] == RUNNING:
            passed = self._context.world.clock.now() - record["begun"]
            length = max(record["due"] - record["begun"], 0.001)
            progress = max(0, min(99, int(100 * passed / length)))
        shown = ("id", "command", "status", "started", "finished", "resources", "error")
        return {**{name: record[name] for name in shown}, "progress": progress}

    def advance(self) -> None:
        """Finish what is due."""
        now = self._context.world.clock.now()
        due = [action for action in self.running() if action["due"] <= now]
        for action in sorted(due, key=lambda action: (action["due"], action["id"])):
            # One before it may have taken it along.
            current = self._context.objects.get(KIND, action["id"])
            if current is not None and current["status"] == RUNNING:
                self._finish(current)

    def _finish(self, record: Record) -> Record:
        objects = self._context.objects
        before = objects.get(KIND, record["after"]) if record["after"] else None
        error = record["fault"] or (before["error"] if before else None)
        name = record["otherwise"] if error else record["then"]
        if name:
            try:
                _EFFECTS[name](self._context, **record["arguments"])
            except ApiError as refused:
                error = {"code": refused.code, "message": refused.message}
        ended = objects.put(
            KIND,
            {
                **record,
                "status": ERROR if error else SUCCESS,
                "error": error,
                "finished": timestamp(self._context.world.clock.now()),
            },
        )
        if error:
            for follower in self.running():
                if follower["after"] == record["id"]:
                    self._finish(follower)
        return ended


def running(state: State) -> list[tuple[str, Record]]:
    """Project and record of every action that has not ended. An index of the database answers this."""
    return state.query("kind = 'actions' AND json_extract(body, '$.status') = 'running'")
