"""API keys: their form, what they may do, how they end."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.auth import api_keys
from tests.services.auth.world import SECRET, AuthDatabase, Replica, Tenant, eventually, replica

pytestmark = pytest.mark.xdist_group("auth")

SLUGS = st.from_regex(r"\A[a-z][a-z0-9-]{1,30}[a-z0-9]\Z")


@given(
    slug=SLUGS, kind=st.sampled_from(["live", "test"]), at=st.integers(0), letter=st.sampled_from("0123456789abcdefxZ_")
)
def test_every_single_typing_error_is_noticed(slug: str, kind: str, at: int, letter: str) -> None:
    key = api_keys.make(kind, slug)
    assert api_keys.is_well_formed(key, kind)
    assert not api_keys.is_well_formed(key, "live" if kind == "test" else "test")
    at %= len(key)
    changed = key[:at] + letter + key[at + 1 :]
    assert api_keys.is_well_formed(changed, kind) == (changed == key)
    assert not api_keys.is_well_formed(key[:-1], kind)
    assert not api_keys.is_well_formed(key + "0", kind)


def test_created_key_is_shown_once_and_stored_as_a_hash(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    created = auth.key(tenant, "tasks:write", "workflows:read", name="ci", expires_in_days=30)
    key = created["key"]
    assert re.fullmatch(rf"fc_test_{tenant.slug}_[0-9a-f]{{40}}", key)
    assert created["scopes"] == ["tasks:write", "workflows:read"]
    (listed,) = auth.call("GET", "/api/keys", tenant, auth.token(tenant)).json()
    assert listed == {name: value for name, value in created.items() if name != "key"}
    assert listed["hint"] in key
    (row,) = database.run("SELECT * FROM api_keys WHERE id = %s", created["id"])
    assert key not in str(row)
    assert re.fullmatch(r"[0-9a-f]{8}:[0-9a-f]{64}", row["key_hash"])


def test_revoked_keys_end_on_every_replica(auth: Replica, other: Replica, tenant: Tenant) -> None:
    key = auth.key(tenant)
    for running in (auth, other):
        for _ in range(2):  # looked up, then cached
            assert running.verify(key["key"], tenant.host).status_code == 200
    assert auth.call("DELETE", f"/api/keys/{key['id']}", tenant, auth.token(tenant)).status_code == 204
    for running in (auth, other):
        eventually(lambda running=running: running.verify(key["key"], tenant.host).status_code == 401)
    assert auth.call("DELETE", f"/api/keys/{key['id']}", tenant, auth.token(tenant)).status_code == 404


def test_expired_keys_end(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    key = auth.key(tenant, expires_in_days=1)
    assert auth.verify(key["key"], tenant.host).status_code == 200
    database.run("UPDATE api_keys SET expires_at = now() WHERE id = %s", key["id"])
    eventually(lambda: auth.verify(key["key"], tenant.host).status_code == 401)


def test_keys_of_another_tenant_or_colleague_are_out_of_reach(
    auth: Replica, database: AuthDatabase, tenant: Tenant
) -> None:
    bob = database.tenant()
    admins = auth.key(tenant, role="admin")
    for host, role, of in ((bob, "owner", bob), (tenant, "member", tenant)):
        assert auth.call("DELETE", f"/api/keys/{admins['id']}", host, auth.token(of, role)).status_code == 404
        assert auth.call("GET", "/api/keys", host, auth.token(of, role)).json() == []
    assert auth.verify(admins["key"], bob.host).json() == {"error": "Tenant mismatch"}
    assert len(auth.call("GET", "/api/keys", tenant, auth.token(tenant, "owner")).json()) == 1


@pytest.mark.parametrize(
    ("role", "scopes", "status"),
    [
        ("member", ["tasks:write", "*:read"], 201),
        ("member", ["tasks:admin"], 403),
        ("admin", ["tasks:admin"], 201),
        ("viewer", ["tasks:read"], 403),
        ("member", [], 422),
        ("member", ["tasks"], 422),
        ("member", ["tasks:everything"], 422),
        ("member", ["tasks:read\n"], 422),
    ],
)
def test_scopes_stay_within_the_makers_role(
    auth: Replica, tenant: Tenant, role: str, scopes: list[str], status: int
) -> None:
    body = {"name": "ci", "scopes": scopes}
    assert auth.call("POST", "/api/keys", tenant, auth.token(tenant, role), body).status_code == status


def test_a_key_makes_no_keys(auth: Replica, tenant: Tenant) -> None:
    key = auth.key(tenant, "*:admin", "*:write", "*:read", role="owner")["key"]
    body = {"name": "more", "scopes": ["*:read"]}
    assert auth.call("POST", "/api/keys", tenant, key, body).status_code == 403
    for path in ("/api/keys", "/api/users", "/api/audit"):
        assert auth.call("GET", path, tenant, key).status_code == 403
    assert auth.call("POST", "/auth/logout", tenant, key).status_code == 403


def test_last_use_is_written_at_the_end_too(database: AuthDatabase, folder: Path, tenant: Tenant) -> None:
    with replica(database, folder) as running:
        key = running.key(tenant)
        running.verify(key["key"], tenant.host)
    (row,) = database.run("SELECT last_used_at FROM api_keys WHERE id = %s", key["id"])
    assert row["last_used_at"] is not None


def test_a_new_secret_keeps_the_keys(database: AuthDatabase, folder: Path, tenant: Tenant) -> None:
    """The steps of docs/how-to/auth.md: replicas of one step run beside those of the next."""
    new = "another-secret-of-enough-length!"

    def hashed() -> object:
        return database.run("SELECT key_hash FROM api_keys WHERE tenant_id = %s", tenant.id)

    with (
        replica(database, folder, other_secret=new) as first,
        replica(database, folder, secret=new, other_secret=SECRET) as second,
    ):
        key, session = first.key(tenant)["key"], first.login(tenant).json()
        before = hashed()
        for running in (second, first):
            assert running.verify(key, tenant.host).status_code == 200
            assert running.verify(session["token"], tenant.host).status_code == 200
        assert second.verify(key, tenant.host).status_code == 200
        assert hashed() != before, "hashed anew when it was used"
        refresh = {"refresh_token": session["refresh_token"]}
        answer = second.client.post("/auth/refresh", json=refresh, headers={"x-forwarded-host": tenant.host})
        assert answer.status_code == 200


def test_unknown_keys_are_throttled(database: AuthDatabase, folder: Path, tenant: Tenant) -> None:
    with replica(database, folder, unknown_keys_per_minute="5") as running:
        good = running.key(tenant)["key"]
        assert running.verify(good, tenant.host).status_code == 200
        guesses = [running.verify(api_keys.make("test", tenant.slug), tenant.host) for _ in range(7)]
        assert [answer.status_code for answer in guesses] == [401] * 5 + [429] * 2
        assert 0 < int(guesses[-1].headers["retry-after"]) <= 60
        assert running.verify(good, tenant.host).status_code == 200, "known keys go on"
        again = api_keys.make("test", tenant.slug)
        repeated = [running.verify(again, tenant.host, extra={"x-forwarded-for": "192.0.2.8"}) for _ in range(9)]
        assert {answer.status_code for answer in repeated} == {401}, "an old key that is repeated is no guess"
        for n, status in enumerate([401] * 5 + [429]):
            address = {"x-forwarded-for": f"2001:db8:1:1::{n}"}
            answer = running.verify(api_keys.make("test", tenant.slug), tenant.host, extra=address)
            assert answer.status_code == status, "one client has a whole /64"
        elsewhere = running.verify(
            api_keys.make("test", tenant.slug), tenant.host, extra={"x-forwarded-for": "192.0.2.9"}
        )
        assert elsewhere.status_code == 401


def test_no_revocation_is_lost_among_look_ups(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    """Keys are revoked while they are looked up: an answer from before must not be kept after it."""
    keys = [auth.key(tenant, role="owner") for _ in range(5)]
    ended = threading.Event()

    def ask(key: str) -> None:
        while not ended.is_set():
            auth.verify(key, tenant.host)

    with ThreadPoolExecutor(len(keys)) as pool:
        asking = [pool.submit(ask, key["key"]) for key in keys]
        try:
            for key in keys:
                # Changes that empty the cache, so that look-ups and changes meet.
                for scope in ("a:read", "b:read", "c:read"):
                    database.run("UPDATE api_keys SET scopes = ARRAY[%s::text] WHERE id = %s", scope, key["id"])
                database.run("UPDATE api_keys SET revoked_at = now() WHERE id = %s", key["id"])
            eventually(lambda: all(auth.verify(key["key"], tenant.host).status_code == 401 for key in keys))
        finally:
            ended.set()
    for thread in asking:
        thread.result()
