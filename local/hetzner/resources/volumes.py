"""Block storage, attached to one server of its location at a time."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from local.hetzner.actions import effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, limit_exceeded
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, Empty, HostChange, HostName, Key, Protected, command, referenced

# In GB (vendor documentation, volumes); the number per server is the CSI driver's documentation's.
MIN_SIZE = 10
MAX_SIZE = 10240
MAX_PER_SERVER = 16


class Creation(Body):
    """A new volume, in a location or attached to a server."""

    name: HostName
    size: int = Field(ge=MIN_SIZE, le=MAX_SIZE)
    labels: LabelMap = Field(default_factory=dict)
    location: Key | None = None
    server: int | None = None
    automount: bool = False
    format: Literal["ext4", "xfs"] | None = None


class Attach(Body):
    """Body of ``attach``."""

    server: int
    automount: bool = False


class Resize(Body):
    """Body of ``resize``."""

    size: int = Field(le=MAX_SIZE)


class Volumes(Protected):
    """Volumes."""

    kind = "volumes"
    singular = "volume"
    creation = Creation
    change = HostChange
    filters = {"status": lambda record, value: record["status"] == value}

    def view(self, context: Context, record: Record) -> Record:
        """With its location; a server is shown once the volume is attached."""
        return {**record, "location": context.world.catalogue.location(record["location"])}

    def create(self, context: Context, body: Creation) -> Record:
        """Make a volume, and attach it where a server is named."""
        if (body.location is None) == (body.server is None):
            raise invalid("location", "either location or server must be given")
        if body.automount and body.server is None:
            raise invalid("automount", "needs a server")
        server = referenced(context, "servers", body.server, "server") if body.server is not None else None
        location = find(context.world.catalogue.locations, body.location) if server is None else None
        if server is None and location is None:
            raise invalid("location", f"location {body.location!r} not found")
        if server is not None:
            context.actions.require_idle(("server", server["id"]))
            require_slot(context, server)
        record = self.add(
            context,
            {
                "name": body.name,
                "size": body.size,
                "labels": body.labels,
                "location": server["location"] if server else (location or {})["name"],
                "server": server["id"] if server else None,
                "status": "creating",
                "format": body.format,
                "linux_device": "",
                "protection": {"delete": False},
            },
        )
        record = context.objects.put(
            self.kind, {**record, "linux_device": f"/dev/disk/by-id/scsi-0HC_Volume_{record['id']}"}
        )
        volume = ("volume", record["id"])
        action = context.actions.begin("create_volume", [volume], set_volume, volume=record["id"], status="available")
        next_actions = []
        if server is not None:
            targets = [("server", server["id"]), volume]
            next_actions.append(
                context.actions.begin(
                    "attach_volume", targets, otherwise=set_volume, after=action, volume=record["id"], server=None
                )
            )
        return {
            "volume": self.view(context, record),
            "action": context.actions.view(action),
            "next_actions": [context.actions.view(following) for following in next_actions],
        }

    def delete(self, context: Context, record: Record) -> None:
        """Remove it, when it is attached to nothing."""
        if record["server"] is not None:
            raise ApiError("resource_in_use", "volume is still attached to a server")
        context.objects.delete(self.kind, record["id"])

    @command("attach", Attach)
    def attach(self, context: Context, record: Record, body: Attach) -> Record:
        """Attach it to a server of its location."""
        server = referenced(context, "servers", body.server, "server")
        require_attachable(context, record, server)
        action = context.actions.begin(
            "attach_volume",
            [("server", server["id"]), ("volume", record["id"])],
            otherwise=set_volume,
            volume=record["id"],
            server=None,
        )
        context.objects.put(self.kind, {**record, "server": server["id"]})
        return action

    @command("detach", Empty)
    def detach(self, context: Context, record: Record, body: Empty) -> Record:
        """Take it from its server."""
        if record["server"] is None:
            raise ApiError("service_error", "volume is not attached to a server", status=422)
        return context.actions.begin(
            "detach_volume",
            [("server", record["server"]), ("volume", record["id"])],
            set_volume,
            volume=record["id"],
            server=None,
        )

    @command("resize", Resize)
    def resize(self, context: Context, record: Record, body: Resize) -> Record:
        """Make it larger."""
        if body.size <= record["size"]:
            raise invalid("size", f"must be more than {record['size']}")
        return context.actions.begin(
            "resize_volume", [("volume", record["id"])], set_volume, volume=record["id"], size=body.size
        )


@effect
def set_volume(context: Context, volume: int, **fields: object) -> None:
    """Status, server or size of a volume."""
    record = context.objects.get("volumes", volume)
    if record is not None:
        context.objects.put("volumes", {**record, **fields})


def require_slot(context: Context, server: Record) -> None:
    """Raise ``ApiError`` when the server has as many volumes as it may."""
    if len(context.objects.where("volumes", "server", server["id"])) >= MAX_PER_SERVER:
        raise limit_exceeded("server_volume_limit")


def require_attachable(context: Context, record: Record, server: Record) -> None:
    """Raise ``ApiError`` unless the volume can be attached to the server."""
    if record["server"] is not None:
        raise ApiError("service_error", "volume is already attached to a server", status=422)
    if record["location"] != server["location"]:
        raise invalid("server", f"server is in {server['location']}, the volume in {record['location']}")
    require_slot(context, server)
