"""A tenant's workload: a hardened Deployment with Service, autoscaler and disruption budget, and what it reads."""

import pulumi

from components.identity import TenantIdentity
from components.tenant.config import TenantConfig, TenantConfigArgs
from components.tenant.namespace import TenantNamespace, TenantNamespaceArgs
from components.tenant.pod import DatabaseAddress
from components.tenant.secrets import TenantSecrets, TenantSecretsArgs
from components.tenant.workload import TenantWorkload, TenantWorkloadArgs
from models.plan import ContainerResources, Pool, Resources, Scaling
from models.workload import Container, ContainerPort, Probe, Workload

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
            uses_secret=True,
            config_path="/app/config",
            readiness=Probe(path="/ready", port=8080, initial_delay_seconds=2, period_seconds=5),
        ),
    ),
    scaling=Scaling(max_replicas=3),
)

namespace = TenantNamespace("acme", TenantNamespaceArgs(tenant=acme, workloads=[hello]))
secrets = TenantSecrets(
    "acme",
    TenantSecretsArgs(tenant=acme, namespace=namespace.namespace_name, generated={"session_key": 64}),
)
config = TenantConfig(
    "acme",
    TenantConfigArgs(
        tenant=acme, namespace=namespace.namespace_name, prefix="hello-config", files={"greeting.txt": "Hello!\n"}
    ),
)
workload = TenantWorkload(
    "acme-hello",
    TenantWorkloadArgs(
        tenant=acme,
        namespace=namespace.namespace_name,
        workload=hello,
        pool=Pool.SHARED,
        database=DatabaseAddress(host="pgbouncer.foundation.svc.cluster.local", port=5432, database="foundation"),
        config_map=config.config_map_name,
        service_account=namespace.service_account,
        checksums={"config": config.checksum, "secret": secrets.checksum},
    ),
    pulumi.ResourceOptions(depends_on=[namespace, secrets, config]),
)
pulumi.export("service", workload.service_name)
