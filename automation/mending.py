"""What an earlier update left at Hetzner such that its provider can't go on from it: put right before the next one.

- A change or a removal that was under way when the engine was killed: the state may be behind, and Hetzner refuses what
  has been done already. The state is brought up to date first.
- A server that was ordered and never ran: Hetzner failed to make it, or nobody lived to start it. The provider would
  keep it as it is. It is deleted, so that the update makes it anew.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from pulumi.automation import Stack
from pulumi.automation.errors import StackNotFoundError

from automation.adoption import AT_HETZNER, by_name, orphans
from automation.cloud import Cloud
from automation.identities import ours
from automation.inventory import FOUNDATION, SERVER, CloudObject, remove
from automation.report import Report
from automation.running import Tell, run_engine

BEHIND: Final = ("updating", "deleting")
RUNNING: Final = "running"


def mend(stack: Stack, cloud: Callable[[], Cloud], tell: Tell) -> None:
    """Before an update. Raises as it does, ``Busy`` for one."""
    state = _state(stack)
    behind, doubtful = set(interrupted(state)), {resource["urn"]: resource for resource in _doubtful(state)}
    if not behind and not doubtful:
        return
    # It has the stack's lock while it runs: what is still in the state afterwards, nobody is just making.
    catch_up(stack, behind | doubtful.keys(), tell)
    if doubtful:
        numbers = {str(resource["id"]): urn for urn, resource in doubtful.items()}
        dead = list(_dead(cloud(), lambda server: str(server.id) in numbers))
        remove(dead, tell, unprotect=True)
        catch_up(stack, {numbers[str(item.id)] for item in dead}, tell)


def catch_up(stack: Stack, urns: Collection[str], tell: Tell, *, run_program: bool = True) -> None:
    """Bring these resources' state up to date; what is gone leaves it, with what depends on it. The program says
    where the provider looks; without it, the state does."""
    if urns:
        names = ", ".join(sorted(urn.rpartition("::")[2] for urn in urns))
        tell(f"looking at what was left behind: {names}")

        def run() -> None:
            stack.refresh(target=sorted(urns), target_dependents=True, run_program=run_program, show_secrets=False)

        run_engine(stack, Report("refresh"), tell, run)


def interrupted(state: Mapping[str, Any]) -> Iterator[str]:
    """URNs of objects at Hetzner that were being changed or removed when the engine was killed."""
    present = {resource["urn"] for resource in state.get("resources") or []}
    for operation in state.get("pending_operations") or []:
        resource = operation["resource"]
        if operation["type"] in BEHIND and resource["type"].startswith(AT_HETZNER) and resource["urn"] in present:
            yield resource["urn"]


def discard(stack: Stack, report: Report, cloud: Callable[[], Cloud], tell: Tell) -> int:
    """Delete servers that were in the way of the failed update of ``report`` and never ran; their number."""
    names = {by_name(orphan.inputs) for orphan in orphans(stack, report) if orphan.type == SERVER.type}
    dead = list(_dead(cloud(), lambda server: server.name in names)) if names else []
    remove(dead, tell, unprotect=True)
    return len(dead)


def never_ran(status: str, actions: Sequence[tuple[str, str]]) -> bool:
    """Whether a server never did anything, from its status and the command and status of every action of it.

    Only the order itself is proof: a server whose host is down is ``unknown`` too, and Hetzner forgets old actions.
    """
    made = dict(actions).get("create_server")
    if made is None or made == RUNNING or status == RUNNING:
        return False
    started = any(command == "start_server" and ended != "error" for command, ended in actions)
    return made == "error" or (status == "off" and not started)


def _dead(cloud: Cloud, asked: Callable[[Any], bool]) -> Iterator[CloudObject]:
    for server in SERVER.all(cloud.client):
        if asked(server) and ours(server, cloud.cluster) and server.status != RUNNING:
            actions = [(action.command, action.status) for action in server.get_actions()]
            if never_ran(server.status, actions):
                protected = bool((server.protection or {}).get("delete"))
                yield CloudObject(SERVER.name, server.id, server.name, FOUNDATION, protected, bound=server)


def _doubtful(state: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Servers that failed to be made, or that the state knows as no running ones."""
    for resource in state.get("resources") or []:
        if resource["type"] == SERVER.type:
            status = (resource.get("outputs") or {}).get("status")
            if resource.get("initErrors") or status != RUNNING:
                yield resource


def _state(stack: Stack) -> Mapping[str, Any]:
    try:
        return stack.export_stack().deployment or {}
    except StackNotFoundError:
        return {}
