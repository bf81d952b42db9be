"""What /verify lets through, with which headers, and what it turns away."""

from __future__ import annotations

import pytest

from models import names
from tests.services.auth.world import AuthDatabase, Replica, Tenant, eventually

pytestmark = pytest.mark.xdist_group("auth")


def test_token_of_a_login_passes_with_the_tenants_headers(auth: Replica, tenant: Tenant) -> None:
    login = auth.login(tenant, "member").json()
    answer = auth.verify(login["token"], tenant.host)
    assert answer.status_code == 200
    assert answer.content == b""
    expected = {
        "x-tenant-id": str(tenant.id),
        "x-tenant-slug": tenant.slug,
        "x-tenant-tier": "pro",
        "x-tenant-schema": names.database_schema(tenant.slug),
        "x-user-id": login["user"]["id"],
        "x-user-role": "member",
        "x-auth-scopes": "*:read *:write",
    }
    assert {name: answer.headers[name] for name in expected} == expected


def test_api_key_passes_with_its_scopes(auth: Replica, tenant: Tenant) -> None:
    key = auth.key(tenant, "tasks:write", "workflows:read")["key"]
    answer = auth.verify(key, tenant.host, "POST")
    assert answer.status_code == 200
    assert answer.headers["x-user-role"] == "key"
    assert answer.headers["x-auth-scopes"] == "tasks:write workflows:read"


def test_headers_of_the_client_change_nothing(auth: Replica, tenant: Tenant) -> None:
    forged = {"x-tenant-id": "evil", "x-user-role": "owner", "x-auth-scopes": "*:admin", "x_tenant_id": "evil"}
    answer = auth.verify(auth.token(tenant, "viewer"), tenant.host, extra=forged)
    assert answer.status_code == 200
    assert answer.headers["x-user-role"] == "viewer"
    assert answer.headers["x-tenant-id"] == str(tenant.id)


def test_no_token(auth: Replica, tenant: Tenant) -> None:
    answer = auth.verify(None, tenant.host)
    assert answer.status_code == 401
    assert answer.json() == {"error": "No token"}
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("kind", ["token", "key"])
def test_another_tenants_host(auth: Replica, database: AuthDatabase, tenant: Tenant, kind: str) -> None:
    credential = auth.token(tenant) if kind == "token" else auth.key(tenant)["key"]
    bob = database.tenant()
    for host in (
        bob.host,
        f"{tenant.slug}.evil.com",
        f"{tenant.slug}.{bob.host}",
        f"{tenant.host}.evil.com",
        f"{tenant.host}:x@{bob.host}",
        f"{tenant.host},{bob.host}",
        "auth.example.com",
        "example.com",
        "",
    ):
        answer = auth.verify(credential, host)
        assert answer.status_code == 403, host
        assert answer.json() == {"error": "Tenant mismatch"}


def test_a_host_may_have_a_port_and_capitals(auth: Replica, tenant: Tenant) -> None:
    token = auth.token(tenant)
    for host in (f"{tenant.host}:8443", tenant.host.upper(), f"{tenant.host}."):
        assert auth.verify(token, host).status_code == 200


def test_custom_domains_count_once_verified(auth: Replica, other: Replica, database: AuthDatabase) -> None:
    alice, bob = database.tenant(), database.tenant()
    token, domain = auth.token(alice), f"{alice.slug}.customer.org"
    database.run("INSERT INTO tenant_domains (domain, tenant_id) VALUES (%s, %s)", domain, alice.id)
    assert auth.verify(token, domain).status_code == 403
    database.run("UPDATE tenant_domains SET verified_at = now() WHERE domain = %s", domain)
    for replica in (auth, other):
        eventually(lambda replica=replica: replica.verify(token, domain).status_code == 200)
        assert replica.verify(auth.token(bob), domain).status_code == 403
    database.run("DELETE FROM tenant_domains WHERE domain = %s", domain)
    eventually(lambda: auth.verify(token, domain).status_code == 403)


def test_suspended_tenants_read(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    token, key = auth.token(tenant), auth.key(tenant)["key"]
    assert auth.verify(token, tenant.host, "POST").status_code == 200
    database.run("UPDATE tenants SET status = 'suspended' WHERE id = %s", tenant.id)
    for credential in (token, key):
        answer = eventually(lambda credential=credential: _refused(auth.verify(credential, tenant.host, "POST")))
        assert answer.status_code == 402
        assert answer.json() == {"error": "Tenant suspended"}
        assert auth.verify(credential, tenant.host, "GET").status_code == 200


@pytest.mark.parametrize("status", ["provisioning", "inactive", "failed", "deleted"])
def test_other_states_are_closed(auth: Replica, database: AuthDatabase, tenant: Tenant, status: str) -> None:
    token = auth.token(tenant)
    database.run("UPDATE tenants SET status = %s WHERE id = %s", status, tenant.id)
    answer = eventually(lambda: _refused(auth.verify(token, tenant.host)))
    assert (answer.status_code, answer.json()) == (403, {"error": "Tenant inactive"})
    assert auth.login(tenant).status_code == 403


def test_readers_only_read(auth: Replica, tenant: Tenant) -> None:
    key = auth.key(tenant, "tasks:read")["key"]
    for credential in (auth.token(tenant, "viewer"), key):
        for method in ("GET", "HEAD", "OPTIONS"):
            assert auth.verify(credential, tenant.host, method).status_code == 200
        for method in ("POST", "PUT", "PATCH", "DELETE", "get", "", "TRACE"):
            answer = auth.verify(credential, tenant.host, method)
            assert answer.status_code == 403, method
    answer = auth.client.get(
        "/verify", headers={"x-forwarded-host": tenant.host, "authorization": f"Bearer {credential}"}
    )
    assert answer.json() == {"error": "Read only"}


def _refused(answer):  # type: ignore[no-untyped-def]
    return answer if answer.status_code != 200 else None
