"""The way out for nodes without public addresses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import yaml

from components.hetzner.api import HetznerApi
from components.hetzner.ids import number
from components.hetzner.server import ServerPlace, choose_server_type, make_server
from models.hetzner import Nat, names


def cloud_config(ip_range: str) -> str:
    """What makes a stock server a gateway: it forwards, under its own address, what comes from the private network
    and isn't meant for it. nftables is part of the image."""
    rules = "\n".join(
        (
            "table ip nat {",
            "  chain postrouting {",
            "    type nat hook postrouting priority srcnat;",
            f"    ip saddr {ip_range} ip daddr != {ip_range} masquerade",
            "  }",
            "}",
            "",
        )
    )
    document = {
        "write_files": [
            {"path": "/etc/sysctl.d/90-nat.conf", "content": "net.ipv4.ip_forward = 1\n"},
            {
                "path": "/etc/nftables.conf",
                "permissions": "0755",
                "content": f"#!/usr/sbin/nft -f\nflush ruleset\n{rules}",
            },
        ],
        "runcmd": [["sysctl", "--system"], ["systemctl", "enable", "--now", "nftables"]],
        "ssh_pwauth": False,
    }
    return "#cloud-config\n" + yaml.safe_dump(document, sort_keys=False)


@dataclass(frozen=True, kw_only=True)
class NatGatewayArgs:
    """What the gateway is and what it stands on."""

    cluster: str
    """Name of the cluster."""
    nat: Nat
    """Server types and generation."""
    api: HetznerApi
    """To ask what can be had."""
    image: str = "ubuntu-24.04"
    """Stock image, by name."""
    ip_range: str
    """The whole private network."""
    subnet_id: pulumi.Input[str]
    """Of the private network."""
    address: pulumi.Input[str]
    """Its own there; the network's default route leads to it."""
    firewall_ids: Sequence[pulumi.Input[int]]
    """Firewalls of the server."""
    ssh_keys: Sequence[pulumi.Input[str]] = ()
    """Ids of SSH keys."""


class NatGateway(pulumi.ComponentResource):
    """One server that forwards nodes' traffic to the Internet. While it is away, so is their way out; what they say
    to each other and to visitors behind the load balancer goes on."""

    server: pulumi.Output[int]
    public_address: pulumi.Output[str]
    """Where the nodes' traffic comes from, as others see it."""

    def __init__(self, name: str, args: NatGatewayArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("foundation:hetzner:NatGateway", name, {}, opts)
        server = names.nat_gateway(args.cluster, args.nat.generation)
        choice = choose_server_type(server, args.nat.candidates, None, args.api, pulumi.ResourceOptions(parent=self))
        place = ServerPlace(
            cluster_labels=names.labels(args.cluster, names.NAT),
            image=args.image,
            subnet_id=args.subnet_id,
            private_ip=args.address,
            firewall_ids=args.firewall_ids,
            ssh_keys=args.ssh_keys,
        )
        made = make_server(server, place, choice, cloud_config(args.ip_range), False, self)
        self.server, self.public_address = number(made), made.ipv4_address
        self.register_outputs({"public_address": self.public_address})
