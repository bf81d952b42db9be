"""Three control-plane servers, a pool each for tenants, databases and ingress, and what the cluster installs itself.

The project's API is taken from HCLOUD_TOKEN, and HCLOUD_ENDPOINT for another one than the vendor's. With KUBECONFIG
set, its cluster is the one that the servers join: the sandbox's. Without, the kubeconfig is made of what the program
knows, and is its output.
"""

import os

import pulumi
import pulumi_kubernetes

from components.hetzner.api import HetznerApi
from components.hetzner.cluster.cluster import HetznerCluster, HetznerClusterArgs
from components.hetzner.cluster.installation import ClusterAddons, ClusterAddonsArgs
from models.hetzner import Hetzner

settings = Hetzner.model_validate(
    {
        "cluster": "example",
        "token": {"config": "hcloud_token"},
        # Where you come from: nobody else reaches the API.
        "admin_cidrs": ["203.0.113.0/24"],
        "pools": {"shared": {"count": 1}, "database": {"count": 1}, "infra": {"count": 1}},
    }
)
token = pulumi.Output.secret(os.environ.get("HCLOUD_TOKEN", ""))
cluster = HetznerCluster(
    "example",
    HetznerClusterArgs(
        settings=settings,
        domain="example.com",
        api=HetznerApi(token=token, endpoint=os.environ.get("HCLOUD_ENDPOINT")),
        secret=pulumi.Config().require_secret,
        kubeconfig=os.environ.get("KUBECONFIG"),
        protect=False,
    ),
)
# Whatever is made with it waits for the API.
kubernetes = pulumi_kubernetes.Provider("kubernetes", kubeconfig=cluster.kubeconfig, cluster_identifier="example")
ClusterAddons(
    "addons",
    ClusterAddonsArgs(
        settings=settings,
        token=token,
        scaled_user_data=cluster.scaled_user_data,
        deleted_with=None if "KUBECONFIG" in os.environ else cluster.ready,
        protect=False,
    ),
    pulumi.ResourceOptions(providers=[kubernetes]),
)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export("ingress", cluster.ingress_ipv4)
