"""The way of an honest request, and what is said to those who aren't let in."""

from __future__ import annotations

import json
import ssl

import httpx
import pytest

from components.gateway.configuration import Limits
from local.ports import LOOPBACK
from tests.gateway.world import Door, Front, headers_of
from tests.services.auth.world import AuthDatabase, Replica, Tenant, eventually

pytestmark = pytest.mark.xdist_group("gateway")


def test_a_token_opens_its_own_tenant_and_no_other(
    door: Door, auth: Replica, alice: Tenant, bob: Tenant, token: str
) -> None:
    answer = door.get(alice.host, "/api/seldon/tasks?a=1&b=%2F", token)
    assert answer.status_code == 200, answer.text
    echoed = answer.json()
    assert (echoed["tenant"], echoed["port"]) == (alice.slug, 18789)
    assert (echoed["path"], echoed["query"]) == ("/api/seldon/tasks", "a=1&b=%2F")
    assert headers_of(echoed)["x-tenant-id"] == [str(alice.id)]
    refused = door.get(bob.host, "/api/seldon/tasks", token)
    assert (refused.status_code, refused.json()) == (403, {"error": "Tenant mismatch"})
    none = door.get(alice.host, "/api/seldon/tasks")
    assert (none.status_code, none.json()) == (401, {"error": "No token"})


def test_an_api_key_opens_its_own_tenant_and_no_other(door: Door, auth: Replica, alice: Tenant, bob: Tenant) -> None:
    key = auth.key(alice, "tasks:write")["key"]
    answer = door.request("POST", alice.host, "/api/x", headers={"authorization": f"Bearer {key}"}, content=b"123")
    assert answer.status_code == 200
    assert answer.json()["body_bytes"] == 3
    assert headers_of(answer.json())["x-auth-scopes"] == ["tasks:write"]
    assert door.get(bob.host, "/api/x", key).status_code == 403


def test_dashboard_and_exempt_paths(door: Door, alice: Tenant, token: str) -> None:
    for path in ("/health", "/login", "/login/reset", "/dashboard/assets/app.js"):
        assert door.get(alice.host, path).status_code == 200, path
    assert door.get(alice.host, "/dashboard").status_code == 401
    page = door.get(alice.host, "/dashboard/tasks", token)
    assert (page.status_code, page.json()["port"]) == (200, 18810)
    assert door.get(alice.host, "/healthz").status_code == 401
    assert door.get(alice.host, "/ready").status_code == 401


def test_identity_api_is_on_every_tenants_host(door: Door, auth: Replica, alice: Tenant, token: str) -> None:
    assert door.get(alice.host, "/.well-known/jwks.json").json()["keys"]
    keys = door.get(alice.host, "/api/keys", token)
    assert keys.status_code == 200, keys.text
    assert door.get(alice.host, "/api/keys").status_code == 401
    # What the gateway alone may ask isn't led there.
    assert door.get(alice.host, "/verify", token).json()["tenant"] == alice.slug


def test_answers_carry_the_headers_that_protect_browsers(door: Door, alice: Tenant) -> None:
    headers = door.get(alice.host, "/health").headers
    assert headers["strict-transport-security"] == "max-age=31536000"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "strict-origin-when-cross-origin"


def test_plain_http_is_redirected(door: Door, alice: Tenant) -> None:
    answer = httpx.get(f"http://{LOOPBACK}:{door.server.plain_port}/a?b=c", headers={"host": alice.host})
    assert answer.status_code == 301
    assert answer.headers["location"] == f"https://{alice.host}:{door.port}/a?b=c"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_tls_is_refused(door: Door, alice: Tenant, version: ssl.TLSVersion) -> None:
    door.context.minimum_version, door.context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, version
    try:
        with pytest.raises(ssl.SSLError):
            door.raw(alice.host, b"")
    finally:
        door.context.minimum_version = ssl.TLSVersion.TLSv1_2
        door.context.maximum_version = ssl.TLSVersion.MAXIMUM_SUPPORTED


def test_hosts_that_nobody_serves_get_a_page(door: Door, front: Front, token: str) -> None:
    host = front.host("nobody")
    program = door.get(host, "/api", token)
    assert (program.status_code, program.json()) == (404, {"error": "Not found"})
    browser = door.request("GET", host, "/", headers={"accept": "text/html,*/*"})
    assert browser.status_code == 404
    assert "There is nothing here" in browser.text


def test_suspended_tenants_read_and_get_a_page_for_the_rest(
    door: Door, front: Front, auth: Replica, database: AuthDatabase
) -> None:
    suspended = database.tenant(front.slug("sus"))
    token = auth.token(suspended)
    database.run("UPDATE tenants SET status = 'suspended' WHERE id = %s", suspended.id)
    assert door.get(suspended.host, "/api/x", token).status_code == 200
    headers = {"authorization": f"Bearer {token}"}
    for given in (headers, {}):
        answer = door.request("POST", suspended.host, "/api/x", headers=given)
        assert (answer.status_code, answer.json()) == (402, {"error": "Tenant suspended"})
    page = door.request("DELETE", suspended.host, "/dashboard", headers={"accept": "text/html"})
    assert page.status_code == 402
    assert "This workspace is suspended" in page.text
    # Whoever has the account in order again can say so.
    login = door.request("POST", suspended.host, "/auth/login", json={"email": "x@y.example", "password": "wrong"})
    assert login.status_code == 401, login.text


def test_own_domains_are_served_with_their_own_certificate(
    door: Door, front: Front, auth: Replica, database: AuthDatabase
) -> None:
    owner, domain = database.tenant(front.slug("own")), f"shop-{front.id}.own.example"
    database.run("INSERT INTO tenant_domains (domain, tenant_id, verified_at) VALUES (%s, %s, now())", domain, owner.id)
    token = auth.token(owner)
    answer = eventually(lambda: (found := door.get(domain, "/api/x", token)).status_code == 200 and found)
    assert answer.json()["tenant"] == owner.slug
    assert door.get(owner.host, "/api/x", token).status_code == 200


def test_addresses_outside_the_allow_list_are_refused(door: Door, front: Front) -> None:
    for path in ("/health", "/login", "/api/x"):
        answer = door.request("GET", front.host("far"), path, headers={"x-forwarded-for": "192.0.2.7"})
        assert answer.status_code == 403


def test_access_log_names_the_tenant_and_no_secret(door: Door, alice: Tenant, token: str) -> None:
    door.request(
        "GET",
        alice.host,
        "/api/logged?secret=hidden",
        headers={"authorization": f"Bearer {token}", "cookie": "c=hidden"},
    )

    def logged() -> dict[str, object] | None:
        lines = [json.loads(line) for line in door.server.access_log.read_text().splitlines()]
        return next((line for line in lines if line["RequestPath"] == "/api/logged"), None)

    entry = eventually(logged)
    assert entry["request_X-Tenant-Slug"] == alice.slug
    assert entry["RequestHost"] == alice.host
    text = json.dumps(entry)
    assert "hidden" not in text
    assert token not in text


def test_metrics_tell_tenants_apart(door: Door, alice: Tenant, token: str) -> None:
    door.get(alice.host, "/api/x", token)
    metrics = httpx.get(f"{door.server.metrics}/metrics").text
    assert any(
        line.startswith("traefik_router_requests_total") and f"tenant-{alice.slug}" in line
        for line in metrics.splitlines()
    )
    # And neither they nor the API are where visitors come in.
    assert door.get(alice.host, "/metrics").status_code == 401
    assert door.get(alice.host, "/api/rawdata").status_code == 401


def test_slow_requests_are_cut_off(front: Front, alice: Tenant) -> None:
    with front.traefik("traefik-short", Limits(read=1, answer=1)) as short:
        head = f"POST /login HTTP/1.1\r\nHost: {alice.host}\r\nContent-Length: 10\r\n\r\n"
        answer = short.raw(alice.host, head.encode() + b"x")
        assert answer == b"" or int(answer.split(b" ", 2)[1]) >= 400
        pod = short.request("GET", alice.host, "/login", headers={"x-echo-delay": "5"})
        assert pod.status_code == 504
