"""Two servers in a private network, spread over hosts, that only an administrator reaches.

The project's API is taken from HCLOUD_TOKEN, and HCLOUD_ENDPOINT for another one than the vendor's.
"""

import pulumi

from components.hetzner.api import HetznerApi
from components.hetzner.firewall import ClusterFirewall, ClusterFirewallArgs
from components.hetzner.node_pool import Node, NodePool, NodePoolArgs
from components.hetzner.private_network import PrivateNetwork, PrivateNetworkArgs, allotted_range
from components.hetzner.resources import AddressPlan
from models.hetzner import Network, Pool, node_names

CLUSTER = "example"
network = Network()
# A roll: raise `generation`, and each server is made anew beside the old one.
batch = Pool(count=2, generation=1)


def user_data(node: Node) -> pulumi.Output[str]:
    """What a server does when it starts for the first time."""
    return pulumi.Output.format(
        "#cloud-config\nhostname: {0}\nfinal_message: {0} has {1}\n", node.name, node.private_ip
    )


private = PrivateNetwork("example", PrivateNetworkArgs(cluster=CLUSTER, network=network))
firewall = ClusterFirewall("example", ClusterFirewallArgs(cluster=CLUSTER, admin_cidrs=["203.0.113.0/24"]))
plan = AddressPlan("example", cidr=allotted_range(network.subnet), names=node_names(CLUSTER, "batch", batch))
pool = NodePool(
    "batch",
    NodePoolArgs(
        cluster=CLUSTER,
        pool="batch",
        settings=batch,
        api=HetznerApi(),
        subnet_id=private.subnet_id,
        addresses=plan.addresses,
        firewall_ids=firewall.of("batch"),
        user_data=user_data,
    ),
)
pulumi.export("private", pool.private_addresses)
pulumi.export("public", pool.public_addresses)
