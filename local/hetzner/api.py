"""The paths of the API and what answers them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from local.hetzner.actions import KIND as ACTIONS
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, not_found
from local.hetzner.listing import Record, link_header, paginate, sort
from local.hetzner.resources.base import Answer, Call, Resource
from local.hetzner.resources.certificates import Certificates
from local.hetzner.resources.dns import Zones
from local.hetzner.resources.dns.rrsets import OPERATIONS, Rrsets
from local.hetzner.resources.firewalls import Firewalls
from local.hetzner.resources.floating_ips import FloatingIps
from local.hetzner.resources.load_balancers import LoadBalancers
from local.hetzner.resources.network_members import list_members
from local.hetzner.resources.networks import Networks
from local.hetzner.resources.offers import Images, Isos, LoadBalancerTypes, Locations, ServerTypes, pricing
from local.hetzner.resources.primary_ips import PrimaryIps
from local.hetzner.resources.servers import Servers
from local.hetzner.resources.simple import PlacementGroups, SshKeys
from local.hetzner.resources.volumes import Volumes

Handler = Callable[[Context, Call], Answer]

MANAGED: tuple[Resource, ...] = (
    Certificates(), Firewalls(), FloatingIps(), Images(), LoadBalancers(), Networks(), PlacementGroups(),
    PrimaryIps(), Servers(), SshKeys(), Volumes(), Zones(),
)  # fmt: skip
READ_ONLY: tuple[Resource, ...] = (Isos(), LoadBalancerTypes(), Locations(), ServerTypes())
# Kinds whose changes are no actions.
WITHOUT_ACTIONS = ("ssh_keys", "placement_groups")
ACTION_SORTS = ("id", "command", "status", "started", "finished")
# Announced in 2023, in force since 2025-01-30.
ALL_ACTIONS_REMOVED = "https://docs.hetzner.cloud/changelog#2023-07-20-actions-list-endpoint-is-deprecated"
# Announced on 2026-06-02, in force since 2026-10-01.
DATACENTERS_REMOVED = "https://docs.hetzner.cloud/changelog#2026-06-02-datacenters-deprecated"


@dataclass(frozen=True)
class Route:
    """A path below ``/v1``, by method the handler."""

    path: str
    handlers: dict[str, Handler]


def routes() -> Iterator[Route]:
    """Every path; where two match, the first counts."""
    yield Route("/actions", {"GET": partial(_list_actions, None)})
    yield Route("/actions/{action}", {"GET": partial(_get_action, None)})
    yield Route("/pricing", {"GET": lambda context, call: Answer({"pricing": pricing(context)})})
    yield Route("/datacenters", {"GET": _datacenters})
    yield Route("/datacenters/{id}", {"GET": _datacenters})
    for resource in READ_ONLY:
        yield Route(f"/{resource.kind}", {"GET": resource.handle_list})
        yield Route(f"/{resource.kind}/{{id}}", {"GET": resource.handle_get})
    for resource in MANAGED:
        yield from _managed(resource)
    yield Route("/networks/{id}/members", {"GET": list_members})
    yield from _dns()


def _managed(resource: Resource) -> Iterator[Route]:
    path = f"/{resource.kind}"
    if resource.kind not in WITHOUT_ACTIONS:
        yield Route(f"{path}/actions", {"GET": partial(_list_actions, resource)})
        yield Route(f"{path}/actions/{{action}}", {"GET": partial(_get_action, resource)})
        yield Route(f"{path}/{{id}}/actions", {"GET": partial(_list_actions, resource)})
        for command in resource.commands():
            handler = partial(resource.handle_command, wanted=command)
            yield Route(f"{path}/{{id}}/actions/{command.name}", {"POST": handler})
        yield Route(f"{path}/{{id}}/actions/{{action}}", {"GET": partial(_get_action, resource)})
    if resource.creation is None:
        yield Route(path, {"GET": resource.handle_list})
    else:
        yield Route(path, {"GET": resource.handle_list, "POST": resource.handle_create})
    yield Route(
        f"{path}/{{id}}",
        {"GET": resource.handle_get, "PUT": resource.handle_update, "DELETE": resource.handle_delete},
    )


def _dns() -> Iterator[Route]:
    rrsets, zones = Rrsets(), Zones()
    yield Route("/zones/{id}/zonefile", {"GET": zones.handle_zonefile})
    yield Route("/zones/{zone}/rrsets", {"GET": rrsets.handle_list, "POST": rrsets.handle_create})
    one = "/zones/{zone}/rrsets/{name}/{type}"
    yield Route(one, {"GET": rrsets.handle_get, "PUT": rrsets.handle_update, "DELETE": rrsets.handle_delete})
    for name in OPERATIONS:
        yield Route(f"{one}/actions/{name}", {"POST": partial(rrsets.handle_operation, command=name)})


def _actions(resource: Resource | None, context: Context, call: Call) -> list[Record]:
    actions = context.objects.all(ACTIONS)
    if resource is None:
        return actions
    wanted = int(resource.find(context, call.path["id"])["id"]) if "id" in call.path else None
    return [
        action
        for action in actions
        if any(target["type"] == resource.singular and wanted in (None, target["id"]) for target in action["resources"])
    ]


def _list_actions(resource: Resource | None, context: Context, call: Call) -> Answer:
    ids, statuses = call.query.get("id", []), call.query.get("status", [])
    if resource is None and not ids:
        raise ApiError(
            "deprecated_api_endpoint", "listing arbitrary actions was removed", {"announcement": ALL_ACTIONS_REMOVED}
        )
    found = [
        action
        for action in _actions(resource, context, call)
        if (not ids or str(action["id"]) in ids) and (not statuses or action["status"] in statuses)
    ]
    page, pagination = paginate(sort(found, call.query.get("sort", []), ACTION_SORTS), call.query)
    return Answer(
        {"actions": [context.actions.view(action) for action in page], "meta": {"pagination": pagination}},
        headers={"Link": link_header(call.url, call.query, pagination)},
    )


def _get_action(resource: Resource | None, context: Context, call: Call) -> Answer:
    key = call.path["action"]
    found = next((action for action in _actions(resource, context, call) if str(action["id"]) == key), None)
    if found is None:
        raise not_found("action", key)
    return Answer({"action": context.actions.view(found)})


def _datacenters(context: Context, call: Call) -> Answer:
    raise ApiError("deprecated_api_endpoint", "API functionality was removed", {"announcement": DATACENTERS_REMOVED})
