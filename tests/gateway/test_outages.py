"""While Redis, the auth service, its database or a tenant's pods are away nothing passes; it passes again by itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.gateway.world import Door, Front
from tests.services.auth.world import AuthDatabase, Replica, Tenant, eventually, replica

pytestmark = pytest.mark.xdist_group("gateway")


def test_without_redis_nothing_passes_and_then_everything_again(
    front: Front, door: Door, second: Door, alice: Tenant, token: str
) -> None:
    front.redis.stop()
    try:
        for replica in (door, second):
            assert replica.get(alice.host, "/api/x", token).status_code == 500
            # Not on exempt paths either: they are limited too.
            assert replica.get(alice.host, "/health").status_code == 500
    finally:
        front.redis.start(front.ports["redis"])
    for replica in (door, second):
        eventually(lambda replica=replica: replica.get(alice.host, "/api/x", token).status_code == 200)


def test_without_the_auth_service_nothing_passes_and_then_everything_again(
    front: Front, database: AuthDatabase, auth: Replica, alice: Tenant, token: str, tmp_path: Path
) -> None:
    with replica(database, tmp_path) as fragile:
        front.use_auth(fragile.port)
        try:
            # A replica of the gateway that has no connections to another auth service yet.
            with front.traefik("traefik-outage") as door:
                assert door.get(alice.host, "/api/x", token).status_code == 200
                fragile.process.kill()
                assert eventually(lambda: door.get(alice.host, "/api/x", token).status_code != 200)
                assert door.get(alice.host, "/api/x", token).status_code == 500
                assert door.get(alice.host, "/login").status_code == 200
                front.use_auth(auth.port)
                eventually(lambda: door.get(alice.host, "/api/x", token).status_code == 200)
        finally:
            front.use_auth(auth.port)


def test_without_the_database_unknown_tokens_are_refused_and_then_known_again(
    database: AuthDatabase, auth: Replica, door: Door, alice: Tenant, token: str
) -> None:
    key = auth.key(alice)["key"]
    database.server.stop()
    try:
        # A key that nobody has asked for yet can't be looked up.
        assert door.get(alice.host, "/api/x", key).status_code == 503
    finally:
        database.server.start(database.port)
    eventually(lambda: door.get(alice.host, "/api/x", key).status_code == 200, 30)


def test_a_tenant_without_pods_is_unavailable_and_comes_back(front: Front, door: Door, bob: Tenant) -> None:
    path = f"/apis/apps/v1/namespaces/tenant-{bob.slug}/deployments/seldon-{bob.slug}/scale"
    scale = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": f"seldon-{bob.slug}"}}
    with front.api() as api:
        api.apply(path, {**scale, "spec": {"replicas": 0}})
        eventually(lambda: door.get(bob.host, "/health").status_code == 503)
        api.apply(path, {**scale, "spec": {"replicas": 1}})
    eventually(lambda: door.get(bob.host, "/health").status_code == 200)
