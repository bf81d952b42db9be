"""How requests reach a tenant: its hosts, a rate limit, and the token check that /health doesn't need.

The namespace and the Service hello-acme are there already (see ../tenant-workload).
"""

import pulumi
from pulumi_random import RandomPassword

from components.gateway.redis import RedisAccess
from components.gateway.route import TenantRoute, TenantRouteArgs
from components.identity import TenantIdentity
from models.environment import Gateway
from models.plan import ContainerResources, Resources, Scaling
from models.workload import Container, ContainerPort, Route, Workload

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
)
route = TenantRoute(
    "acme",
    TenantRouteArgs(
        tenant=acme,
        namespace=acme.namespace,
        host="acme.example.com",
        domains=["shop.acme.example"],
        routes=[
            Route(workload="hello", port="http"),
            Route(path_prefixes=("/health",), workload="hello", port="http", authenticated=False),
        ],
        workloads=[hello],
        requests_per_minute=300,
        gateway=Gateway(),
        redis=RedisAccess(
            endpoint="gateway-redis.foundation.svc.cluster.local:6379",
            password=RandomPassword("redis", length=32, special=False).result,
        ),
    ),
)
pulumi.export("url", route.url)
