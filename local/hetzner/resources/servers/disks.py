"""A server's disk and size: images, backups, rebuilding, changing its type."""

from __future__ import annotations

import secrets
from typing import Literal

from pydantic import Field

from local.hetzner.actions import effect
from local.hetzner.catalogue import find
from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, Empty, Key, Resource, command
from local.hetzner.resources.servers.creation import UserData, orderable_image, require_available
from local.hetzner.resources.servers.power import begin, require_off, set_server, start

BACKUP_WINDOW = "22-02"


class ChangeType(Body):
    """Body of ``change_type``. With ``upgrade_disk`` the disk grows, and the server can never become smaller."""

    server_type: Key
    upgrade_disk: bool


class Rebuild(Body):
    """Body of ``rebuild``."""

    image: Key
    user_data: UserData | None = None


class CreateImage(Body):
    """Body of ``create_image``."""

    description: str = ""
    type: Literal["snapshot", "backup"] = "snapshot"
    labels: LabelMap = Field(default_factory=dict)


class DiskCommands(Resource):
    """What happens to a server's disk."""

    @command("change_type", ChangeType)
    def change_type(self, context: Context, record: Record, body: ChangeType) -> Record:
        """Another type: of the same architecture, and with a disk that the server's fits on."""
        require_off(record)
        wanted = find(context.world.catalogue.server_types, body.server_type)
        if wanted is None:
            raise invalid("server_type", f"server type {body.server_type!r} not found")
        present = find(context.world.catalogue.server_types, record["server_type"]) or wanted
        if wanted["name"] == record["server_type"]:
            raise ApiError("invalid_server_type", "server has this type already")
        if wanted["architecture"] != present["architecture"] or wanted["disk"] < record["disk"]:
            raise ApiError("invalid_server_type", "server type does not fit: other architecture or smaller disk")
        if wanted["deprecated"]:
            raise ApiError("invalid_server_type", "server type is deprecated")
        require_available(context, wanted, record["location"], "server_type")
        disk = wanted["disk"] if body.upgrade_disk else record["disk"]
        return begin(context, "change_server_type", record, set_server, server_type=wanted["name"], disk=disk)

    @command("rebuild", Rebuild)
    def rebuild(self, context: Context, record: Record, body: Rebuild) -> Record:
        """Begin anew with an image."""
        if record["protection"]["rebuild"]:
            raise ApiError("protected", "server rebuild is protected")
        present = find(context.world.catalogue.server_types, record["server_type"])
        image = orderable_image(context, body.image, (present or {})["architecture"])
        action = begin(context, "rebuild_server", record, start)
        changed = {"image": image["id"]}
        if body.user_data is not None:
            changed["user_data"] = body.user_data
        context.objects.put("servers", {**record, **changed})
        return {"root_password": secrets.token_urlsafe(16), "action": context.actions.view(action)}

    @command("create_image", CreateImage)
    def create_image(self, context: Context, record: Record, body: CreateImage) -> Record:
        """A snapshot, or a backup where backups are on."""
        if body.type == "backup" and record["backup_window"] is None:
            raise ApiError("unsupported_error", "backups are not enabled for the server")
        source = find(context.world.catalogue.server_types, record["server_type"]) or {}
        origin = next(image for image in _images(context) if image["id"] == record["image"])
        image = context.objects.add(
            "images",
            {
                "type": body.type,
                "status": "creating",
                "name": None,
                "description": body.description,
                "image_size": None,
                "disk_size": record["disk"],
                "created": context.now(),
                "created_from": {"id": record["id"], "name": record["name"]},
                "bound_to": record["id"] if body.type == "backup" else None,
                "os_flavor": origin["os_flavor"],
                "os_version": origin["os_version"],
                "rapid_deploy": False,
                "protection": {"delete": False},
                "deprecated": None,
                "deprecation": None,
                "deleted": None,
                "labels": body.labels,
                "architecture": source["architecture"],
            },
        )
        action = context.actions.begin(
            "create_image",
            [("server", record["id"]), ("image", image["id"])],
            finish_image,
            drop_image,
            image=image["id"],
        )
        return {"image": image, "action": context.actions.view(action)}

    @command("enable_backup")
    def enable_backup(self, context: Context, record: Record, body: Empty) -> Record:
        """Daily backups, for a fifth of the server's price."""
        return begin(context, "enable_backup", record, set_server, backup_window=BACKUP_WINDOW)

    @command("disable_backup")
    def disable_backup(self, context: Context, record: Record, body: Empty) -> Record:
        """No more backups; those that exist are deleted."""
        for backup in context.objects.where("images", "bound_to", record["id"]):
            context.objects.delete("images", backup["id"])
        return begin(context, "disable_backup", record, set_server, backup_window=None)


@effect
def finish_image(context: Context, image: int) -> None:
    """The image can be used."""
    record = context.objects.get("images", image)
    if record is not None:
        context.objects.put("images", {**record, "status": "available", "image_size": 1.0})


@effect
def drop_image(context: Context, image: int) -> None:
    """The image came to nothing."""
    context.objects.delete("images", image)


def _images(context: Context) -> list[Record]:
    return [*context.world.catalogue.images, *context.objects.all("images")]
