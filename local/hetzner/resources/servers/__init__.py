"""Servers: being ordered, living, and going away."""

from __future__ import annotations

from local.hetzner.context import Context
from local.hetzner.errors import invalid
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, HostChange, Resource, command
from local.hetzner.resources.servers.attachments import AttachmentCommands
from local.hetzner.resources.servers.creation import Creation, create
from local.hetzner.resources.servers.disks import DiskCommands
from local.hetzner.resources.servers.power import PowerCommands
from local.hetzner.resources.servers.removal import begin_delete
from local.hetzner.resources.servers.view import view


class ServerProtection(Body):
    """Body of ``change_protection``: both or neither, as the vendor's other tools demand."""

    delete: bool | None = None
    rebuild: bool | None = None


class Servers(PowerCommands, DiskCommands, AttachmentCommands, Resource):
    """Servers."""

    kind = "servers"
    singular = "server"
    creation = Creation
    change = HostChange
    deletion_status = 200
    filters = {"status": lambda record, value: record["status"] == value}

    def view(self, context: Context, record: Record) -> Record:
        """With all that belongs to it."""
        return view(context, record)

    def create(self, context: Context, body: Creation) -> Record:
        """Order one."""
        return create(self, context, body)

    def delete(self, context: Context, record: Record) -> Record:
        """Remove it, by an action."""
        return begin_delete(context, record)

    @command("change_protection", ServerProtection)
    def change_protection(self, context: Context, record: Record, body: ServerProtection) -> Record:
        """Protect it from being deleted and rebuilt, which goes together."""
        wanted = record["protection"] | body.model_dump(exclude_none=True)
        if wanted["delete"] != wanted["rebuild"]:
            raise invalid("rebuild", "must be the same as delete")
        context.objects.put(self.kind, {**record, "protection": wanted})
        return context.actions.begin("change_protection", [("server", record["id"])], locks=[])
