"""A tenant's namespace: restricted pods, a quota for what runs in it, and a network that is closed but for its ways."""

import pulumi

from components.identity import TenantIdentity
from components.tenant.namespace import TenantNamespace, TenantNamespaceArgs
from components.tenant.network import Ways
from components.tenant.network_policies import TenantNetwork, TenantNetworkArgs
from models.environment import Platform
from models.plan import ContainerResources, Resources, Scaling
from models.workload import Container, ContainerPort, Workload

acme = TenantIdentity(slug="acme", id="5a3c1f6e-8f4f-4f0e-9d3a-0d6c3f1b2a4e", tier="pro", product="hello")
hello = Workload(
    name="hello",
    containers=(
        Container(
            name="hello",
            image="ghcr.io/foundation/hello:v1.0",
            ports=(ContainerPort(name="http", port=8080),),
            resources=ContainerResources(
                requests=Resources(cpu="100m", memory="128Mi"), limits=Resources(cpu="500m", memory="256Mi")
            ),
        ),
    ),
    scaling=Scaling(max_replicas=2),
)

namespace = TenantNamespace("acme", TenantNamespaceArgs(tenant=acme, workloads=[hello]))
TenantNetwork(
    "acme",
    TenantNetworkArgs(
        tenant=acme,
        namespace=namespace.namespace_name,
        ways=Ways(
            platform=Platform(),
            apps=("hello",),
            routed_ports=(8080,),
            metrics_ports=(),
            pooler_port=5432,
            egress_ports=(443,),
        ),
    ),
)
pulumi.export("namespace", namespace.namespace_name)
