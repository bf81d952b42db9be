"""Nothing in the list of attacks gets through the real Traefik and the real auth service."""

from __future__ import annotations

import pytest

from tests.gateway.attacks import Attack, Scene, attacks
from tests.gateway.world import Door
from tests.services.auth.world import Replica, Tenant

pytestmark = pytest.mark.xdist_group("gateway")


@pytest.fixture(scope="module")
def scene(door: Door, auth: Replica, alice: Tenant, bob: Tenant, token: str) -> Scene:
    # The way is open for those who may go it, so that a refusal means something.
    assert door.get(alice.host, "/api/seldon/tasks", token).status_code == 200
    return Scene(door, auth, alice, bob, token)


@pytest.mark.parametrize("attack", attacks(), ids=lambda attack: f"{attack.group}: {attack.name}")
def test_attack_is_refused(attack: Attack, scene: Scene) -> None:
    assert attack.run(scene)
