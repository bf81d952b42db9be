"""Servers of one kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_hcloud as hcloud

from components.hetzner import limits
from components.hetzner.api import HetznerApi
from components.hetzner.ids import number
from components.hetzner.server import ServerPlace, choose_server_type, make_server
from models.hetzner import Pool, names


@dataclass(frozen=True, kw_only=True)
class Node:
    """A server that is about to be made, as its user data may name it."""

    name: str
    """Of the server and of the node."""
    pool: str
    """Name of its pool."""
    slot: int
    """Its number in the pool."""
    generation: int
    """Which server of the slot it is."""
    private_ip: pulumi.Output[str]
    """In the private network."""
    public_ipv4: pulumi.Output[str] | None
    """Its Primary IP, where the pool has ones of its own; else None: known only to the server itself."""
    devices: Mapping[str, pulumi.Output[str]]
    """Paths of its volumes' devices, by the volumes' names."""


@dataclass(frozen=True, kw_only=True)
class NodePoolArgs:
    """What the pool is and what it stands on."""

    cluster: str
    """Name of the cluster."""
    pool: str
    """Name of the pool."""
    settings: Pool
    """Sizes, counts, generations."""
    api: HetznerApi
    """To ask what can be had."""
    image: str = "ubuntu-24.04"
    """Stock image, by name."""
    subnet_id: pulumi.Input[str]
    """Of the private network."""
    addresses: pulumi.Input[Mapping[str, str]]
    """Private addresses by server name (``AddressPlan.addresses``)."""
    firewall_ids: Sequence[pulumi.Input[int]]
    """Firewalls of the servers, such as ``ClusterFirewall.of(pool)``."""
    ssh_keys: Sequence[pulumi.Input[str]] = ()
    """Ids of SSH keys."""
    user_data: Callable[[Node], pulumi.Input[str]]
    """A node's cloud-config."""
    primary_ips: bool = False
    """Whether each server has a Primary IPv4 of its own, known before the server is made: certificates can name it."""


class NodePool(pulumi.ComponentResource):
    """Servers named ``{cluster}-{pool}-{slot}-g{generation}``, spread over physical hosts.

    A server never changes into another: what is fixed when it is made (user data, image, keys, way out) is taken up by
    the next generation, a new server beside the old one, which goes when the new one stands. Adding or removing a
    pool or a slot touches nothing else.

    Protected servers are held by Pulumi and by Hetzner: removing one takes an update that lifts the protection
    (``unprotected``, or ``protect: false``) and one that removes it.
    """

    servers: dict[str, pulumi.Output[int]]
    """Ids by server name."""
    private_addresses: dict[str, pulumi.Output[str]]
    """Addresses in the private network by server name."""
    public_addresses: dict[str, pulumi.Output[str]]
    """Public IPv4 addresses by server name; empty where nodes go out through NAT."""

    def __init__(self, name: str, args: NodePoolArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:NodePool", name, {}, opts)
        limits.check(
            limits.FIREWALLS_PER_SERVER, len(args.firewall_ids), f"pool {args.pool}", "join their rules in fewer"
        )
        self._args = args
        self._labels = names.labels(args.cluster, args.pool)
        self._groups: dict[str, hcloud.PlacementGroup] = {}
        self._addresses = pulumi.Output.from_input(args.addresses)
        self.servers, self.private_addresses, self.public_addresses = {}, {}, {}
        self._data: dict[int, dict[str, hcloud.Volume]] = {}
        for slot, generation in args.settings.servers:
            self._add(slot, generation)
        self.register_outputs({"servers": self.servers})

    def _add(self, slot: int, generation: int) -> None:
        args, settings = self._args, self._args.settings
        current = generation == settings.generation_of(slot)
        protect = current and settings.protected(slot)
        server = names.server(args.cluster, args.pool, slot, generation)
        group = self._group(slot, generation)
        choice = choose_server_type(
            server,
            settings.candidates,
            settings.memory,
            args.api,
            # As late as can be: then a choice without a server means an order that failed.
            pulumi.ResourceOptions(parent=self, depends_on=[group]),
        )
        address = self._primary_ip(server, choice.location) if args.primary_ips else None
        volumes = self._data.get(slot) or self._volumes(slot, choice.location)
        self._data[slot] = volumes
        private_ip = self._addresses.apply(lambda addresses: addresses[server])
        node = Node(
            name=server,
            pool=args.pool,
            slot=slot,
            generation=generation,
            private_ip=private_ip,
            public_ipv4=None if address is None else address.ip_address,
            devices={volume_name: volume.linux_device for volume_name, volume in volumes.items()},
        )
        place = ServerPlace(
            cluster_labels=self._labels,
            image=args.image,
            subnet_id=args.subnet_id,
            private_ip=private_ip,
            firewall_ids=args.firewall_ids,
            ssh_keys=args.ssh_keys,
            placement_group_id=number(group),
            public=settings.egress == "public",
            ipv4_id=None if address is None else number(address),
        )
        made = make_server(server, place, choice, args.user_data(node), protect, self)
        # Data stays with a retiring server until its pods have moved.
        if not current or slot not in settings.retiring:
            self._attach(slot, volumes, made, protect)
        self.servers[server] = number(made)
        self.private_addresses[server] = private_ip
        if settings.egress == "public":
            self.public_addresses[server] = made.ipv4_address if address is None else address.ip_address

    def _attach(self, slot: int, volumes: Mapping[str, hcloud.Volume], server: hcloud.Server, protect: bool) -> None:
        """One server at a time has a volume: it leaves the old one before the new one gets it, and before either of
        both is deleted, since detaching locks the server."""
        for volume_name, volume in volumes.items():
            hcloud.VolumeAttachment(
                f"{names.volume(self._args.cluster, self._args.pool, slot, volume_name)}-attachment",
                volume_id=number(volume),
                server_id=number(server),
                automount=False,
                # Else an update that is refused the server would have taken its data from it.
                opts=pulumi.ResourceOptions(parent=self, protect=protect, delete_before_replace=True),
            )

    def _group(self, slot: int, generation: int) -> hcloud.PlacementGroup:
        """Ten servers each, by slot, so that nobody changes groups when a pool grows or shrinks. Each generation has
        groups of its own: a full one would have no room for the server that is to replace another."""
        shard = (slot - 1) // limits.SERVERS_PER_GROUP.most + 1
        group = names.placement_group(self._args.cluster, self._args.pool, shard, generation)
        if group not in self._groups:
            self._groups[group] = hcloud.PlacementGroup(
                group,
                name=group,
                type="spread",
                labels=self._labels,
                opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
            )
        return self._groups[group]

    def _primary_ip(self, server: str, location: pulumi.Input[str]) -> hcloud.PrimaryIp:
        """It can't go before its server, which is what is protected: were it so itself, it would be in the way when
        an order came to nothing and the next candidate is elsewhere."""
        return hcloud.PrimaryIp(
            f"{server}-ipv4",
            name=server,
            type="ipv4",
            location=location,
            auto_delete=False,
            labels=self._labels,
            # The name can't be there twice.
            opts=pulumi.ResourceOptions(parent=self, protect=False, delete_before_replace=True),
        )

    def _volumes(self, slot: int, location: pulumi.Input[str]) -> dict[str, hcloud.Volume]:
        args, protect = self._args, self._args.settings.protected(slot)
        return {
            volume_name: hcloud.Volume(
                names.volume(args.cluster, args.pool, slot, volume_name),
                name=names.volume(args.cluster, args.pool, slot, volume_name),
                size=volume.size,
                format=volume.format,
                location=location,
                delete_protection=protect,
                labels=self._labels,
                # Data stays with the slot, whichever of its servers goes, and goes with the slot.
                opts=pulumi.ResourceOptions(parent=self, protect=protect),
            )
            for volume_name, volume in sorted(args.settings.volumes.items())
        }
