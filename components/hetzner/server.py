"""One server, with what every server of the cluster has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_hcloud as hcloud

from components.hetzner import limits
from components.hetzner.api import HetznerApi
from components.hetzner.ids import after, number
from components.hetzner.resources import ServerTypeChoice
from models.hetzner import Candidate

ONLY_WHEN_MADE: Final = ["sshKeys", "userData", "image", "publicNets", "networks"]
"""What a server takes when it is made. A change of it replaces no server: it reaches a node with its next generation.
Inline networks would differ in every update too (pulumi-hcloud#170)."""


@dataclass(frozen=True, kw_only=True)
class ServerPlace:
    """Where and as what a server is made."""

    cluster_labels: Mapping[str, str]
    """Labels of the server."""
    image: str
    """Stock image, by name."""
    subnet_id: pulumi.Input[str]
    """Of the private network."""
    private_ip: pulumi.Input[str]
    """Its address there."""
    firewall_ids: Sequence[pulumi.Input[int]]
    ssh_keys: Sequence[pulumi.Input[str]]
    placement_group_id: pulumi.Input[int] | None = None
    public: bool = True
    """Whether it has public addresses."""
    ipv4_id: pulumi.Input[int] | None = None
    """Id of the Primary IPv4 that it gets; None for one that comes and goes with it."""


def choose_server_type(
    server: str,
    candidates: Sequence[Candidate],
    memory: int | None,
    api: HetznerApi,
    opts: pulumi.ResourceOptions,
) -> ServerTypeChoice:
    """The server's type and location, first of all that concerns it."""
    return ServerTypeChoice(
        f"{server}-type",
        server=server,
        candidates=candidates,
        memory=memory,
        token=api.token,
        endpoint=api.endpoint,
        opts=opts,
    )


def make_server(
    name: str,
    place: ServerPlace,
    choice: ServerTypeChoice,
    user_data: pulumi.Input[str],
    protect: bool,
    parent: pulumi.Resource,
) -> hcloud.Server:
    """A server of that name, attached to the private network. Raises LimitExceeded, when the program has come so far,
    for user data that is too long."""
    server = hcloud.Server(
        name,
        name=name,
        server_type=choice.server_type,
        location=choice.location,
        image=place.image,
        # Else it could never become smaller again.
        keep_disk=True,
        labels=dict(place.cluster_labels),
        firewall_ids=list(place.firewall_ids),
        placement_group_id=place.placement_group_id,
        ssh_keys=list(place.ssh_keys),
        user_data=pulumi.Output.from_input(user_data).apply(lambda text: limits.check_user_data(name, text)),
        public_nets=_public_nets(place),
        # A server without any address can't start, and an attachment would come too late.
        networks=None if place.public else [hcloud.ServerNetworkArgs(subnet_id=place.subnet_id, ip=place.private_ip)],
        # The vendor's provider wants both alike.
        delete_protection=protect,
        rebuild_protection=protect,
        opts=pulumi.ResourceOptions(
            parent=parent,
            protect=protect,
            ignore_changes=ONLY_WHEN_MADE,
            # A subnet can't go while a server is attached; the attachment itself goes with the server.
            depends_on=after(place.subnet_id),
        ),
    )
    if place.public:
        hcloud.ServerNetwork(
            f"{name}-network",
            server_id=number(server),
            subnet_id=place.subnet_id,
            ip=place.private_ip,
            opts=pulumi.ResourceOptions(parent=parent, protect=protect, deleted_with=server),
        )
    return server


def _public_nets(place: ServerPlace) -> list[hcloud.ServerPublicNetArgs] | None:
    if not place.public:
        return [hcloud.ServerPublicNetArgs(ipv4_enabled=False, ipv6_enabled=False)]
    if place.ipv4_id is not None:
        return [hcloud.ServerPublicNetArgs(ipv4_enabled=True, ipv4=place.ipv4_id, ipv6_enabled=True)]
    return None
