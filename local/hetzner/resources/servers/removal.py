"""Deleting a server, and leaving nothing of it."""

from __future__ import annotations

from local.hetzner.actions import effect
from local.hetzner.context import Context
from local.hetzner.listing import Record
from local.hetzner.resources.assignment import release_addresses
from local.hetzner.resources.firewalls import forget_server
from local.hetzner.resources.load_balancers.targets import forget_target
from local.hetzner.resources.servers.power import begin


def begin_delete(context: Context, record: Record) -> Record:
    """What belonged to the server is free when the action is done."""
    return begin(context, "delete_server", record, finish_delete)


@effect
def finish_delete(context: Context, server: int) -> None:
    """Volumes, addresses, firewalls, load balancers and networks let go of it."""
    objects = context.objects
    record = objects.get("servers", server)
    if record is None:
        return
    for kind, field in (("volumes", "server"), ("floating_ips", "server")):
        for other in objects.where(kind, field, server):
            objects.put(kind, {**other, field: None})
    release_addresses(context, server)
    for backup in objects.where("images", "bound_to", server):
        objects.delete("images", backup["id"])
    forget_server(context, server)
    forget_target(context, server)
    objects.delete("servers", server)
    context.emit("delete", record)
