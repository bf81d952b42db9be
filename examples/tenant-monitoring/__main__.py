"""What Prometheus scrapes of a tenant, and when it warns.

The namespace and the Service hello-acme are there already (see ../tenant-workload).
"""

from components.identity import TenantIdentity
from components.monitoring.tenant import TenantMonitoring, TenantMonitoringArgs
from models.plan import ContainerResources, Resources, Scaling
from models.workload import AlertRule, Container, ContainerPort, Workload

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
    scaling=Scaling(),
    metrics_port="http",
)
errors = AlertRule.model_validate(
    {
        "alert": "HelloErrors",
        "expr": 'rate(hello_errors_total{tenant="acme"}[5m]) > 0.1',
        "for": "5m",
        "severity": "warning",
        "summary": "Tenant acme has errors",
    }
)
TenantMonitoring(
    "acme", TenantMonitoringArgs(tenant=acme, namespace=acme.namespace, workloads=[hello], alerts=[errors])
)
