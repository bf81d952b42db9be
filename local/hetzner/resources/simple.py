"""Kinds with nothing of their own but what they are made of: SSH keys and placement groups."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Literal

from pydantic import Field

from local.hetzner.context import Context
from local.hetzner.errors import ApiError, invalid, not_unique
from local.hetzner.labels import LabelMap
from local.hetzner.listing import Record
from local.hetzner.resources.base import Body, Name, Resource, referenced

# Vendor documentation, placement groups.
MAX_SERVERS_PER_GROUP = 10


class SshKeyCreation(Body):
    """A new SSH key."""

    name: Name
    public_key: str
    labels: LabelMap = Field(default_factory=dict)


class SshKeys(Resource):
    """SSH keys. Two can't have the same fingerprint."""

    kind = "ssh_keys"
    singular = "ssh_key"
    creation = SshKeyCreation
    sorts = ("id", "name")
    filters = {"fingerprint": lambda record, value: record["fingerprint"] == value}

    @property
    def title(self) -> str:
        """As it is written."""
        return "SSH key"

    def create(self, context: Context, body: SshKeyCreation) -> Record:
        """Keep a public key."""
        fingerprint = _fingerprint(body.public_key)
        if context.objects.where(self.kind, "fingerprint", fingerprint):
            raise not_unique("SSH key", "public_key")
        return {"ssh_key": self.add(context, {**body.model_dump(), "fingerprint": fingerprint})}


def _fingerprint(public_key: str) -> str:
    try:
        data = base64.b64decode(public_key.split()[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise invalid("public_key", "is not an OpenSSH public key") from error
    digest = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))


class PlacementGroupCreation(Body):
    """A new placement group."""

    name: Name
    type: Literal["spread"]
    labels: LabelMap = Field(default_factory=dict)


class PlacementGroups(Resource):
    """Groups of servers that don't share a host, ten each."""

    kind = "placement_groups"
    singular = "placement_group"
    creation = PlacementGroupCreation
    filters = {"type": lambda record, value: record["type"] == value}

    def view(self, context: Context, record: Record) -> Record:
        """With its servers."""
        servers = context.objects.where("servers", "placement_group", record["id"])
        return {**record, "servers": [server["id"] for server in servers]}

    def create(self, context: Context, body: PlacementGroupCreation) -> Record:
        """Make a group."""
        return {"placement_group": self.view(context, self.add(context, body.model_dump()))}

    def delete(self, context: Context, record: Record) -> None:
        """Remove the group; its servers stay."""
        for server in context.objects.where("servers", "placement_group", record["id"]):
            context.objects.put("servers", {**server, "placement_group": None})
        context.objects.delete(self.kind, record["id"])


def require_place(context: Context, group: int) -> Record:
    """The group, with room for one server more. Raises ``ApiError``."""
    record = referenced(context, "placement_groups", group, "placement_group")
    if len(context.objects.where("servers", "placement_group", group)) >= MAX_SERVERS_PER_GROUP:
        raise ApiError("placement_error", f"placement group is full: {MAX_SERVERS_PER_GROUP} servers")
    return record
