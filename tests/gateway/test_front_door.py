"""The way of an honest request, and what is said to those who aren't let in."""

from __future__ import annotations

from tests.gateway.world import Door, Front, headers_of
from tests.services.auth.world import Replica, Tenant


def test_a_token_opens_its_own_tenant_and_no_other(
    door: Door, auth: Replica, alice: Tenant, bob: Tenant, token: str
) -> None:
    answer = door.get(alice.host, "/api/seldon/tasks", token)
    assert answer.status_code == 200, answer.text
    echoed = answer.json()
    assert echoed["tenant"] == alice.slug
    assert echoed["path"] == "/api/seldon/tasks"
    assert headers_of(echoed)["x-tenant-id"] == [str(alice.id)]
    refused = door.get(bob.host, "/api/seldon/tasks", token)
    assert (refused.status_code, refused.json()) == (403, {"error": "Tenant mismatch"})
