"""Login, refresh, log-out, passwords, roles."""

from __future__ import annotations

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import bcrypt
import pytest
from click.testing import Result
from typer.testing import CliRunner

from services.auth.__main__ import app
from tests.services.auth.world import OWN_HOST, PASSWORD, SECRET, AuthDatabase, Replica, Tenant, eventually, replica

pytestmark = pytest.mark.xdist_group("auth")

UNKNOWN = {"error": "Invalid e-mail or password"}


def refresh(auth: Replica, tenant: Tenant, token: str, host: str | None = None):  # type: ignore[no-untyped-def]
    return auth.client.post(
        "/auth/refresh", json={"refresh_token": token}, headers={"x-forwarded-host": host or tenant.host}
    )


def test_login_answers_as_the_requirement_says(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    answer = auth.login(tenant, "admin", email=tenant.email("admin").upper())
    body = answer.json()
    (user,) = database.run("SELECT id FROM users WHERE email = %s", tenant.email("admin"))
    assert answer.headers["cache-control"] == "no-store"
    assert body["tenant_slug"] == tenant.slug
    assert body["user"] == {"id": str(user["id"]), "role": "admin"}
    assert body["expires_in"] == 3600
    me = auth.call("GET", "/auth/me", tenant, body["token"]).json()
    assert me["scopes"] == ["*:read", "*:write", "*:admin"]


def test_login_at_the_services_own_host_serves_every_tenant(auth: Replica, tenant: Tenant) -> None:
    body = {"email": tenant.email("member"), "password": PASSWORD}
    answer = auth.client.post("/auth/login", json=body, headers={"x-forwarded-host": OWN_HOST})
    assert answer.status_code == 200


def test_wrong_logins_get_one_answer(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    bob = database.tenant()
    wrong = [
        auth.login(tenant, password="wrong"),
        auth.login(tenant, email="nobody@example.com"),
        auth.login(tenant, email=bob.email("member")),  # right, at another tenant's host
    ]
    assert [(answer.status_code, answer.json()) for answer in wrong] == [(401, UNKNOWN)] * 3


def test_invalid_requests_are_not_repeated(auth: Replica) -> None:
    answer = auth.client.post("/auth/login", json={"email": "a@example.com", "password": ["the-secret"]})
    assert answer.status_code == 422
    assert "the-secret" not in answer.text
    assert answer.json()["fields"] == [{"field": "body.password", "reason": "Input should be a valid string"}]


def test_account_is_locked_after_too_many_guesses(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    def attempt(_: int, password: str = "wrong", email: str = tenant.email("member")) -> int:
        return auth.login(tenant, password=password, email=email).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(16)))
    assert sorted(answers) == [401] * 10 + [429] * 6
    locked = auth.login(tenant, "member")
    assert locked.status_code == 429, "the right password doesn't help"
    assert 0 < int(locked.headers["retry-after"]) <= 900
    assert attempt(0, PASSWORD, tenant.email("admin")) == 200, "others aren't locked out"
    unknown = [attempt(n, email="nobody-at-all@example.com") for n in range(11)]
    assert unknown == [401] * 10 + [429], "accounts that don't exist look the same"
    assert database.run("SELECT count(*) AS n FROM audit_log WHERE action = 'login.locked'")[0]["n"] >= 2


def test_success_forgets_failures(auth: Replica, tenant: Tenant) -> None:
    for _ in range(3):
        answers = [auth.login(tenant, password="wrong").status_code for _ in range(5)]
        assert answers == [401] * 5
        assert auth.login(tenant).status_code == 200


def test_address_is_throttled(database: AuthDatabase, folder, tenant: Tenant) -> None:  # type: ignore[no-untyped-def]
    with replica(database, folder, login_attempts_address="3") as auth:
        guesses = [
            auth.client.post(
                "/auth/login",
                json={"email": f"n{n}@{tenant.slug}.example", "password": "wrong"},
                headers={"x-forwarded-host": tenant.host, "x-forwarded-for": f"10.0.0.1, {address}"},
            ).status_code
            for address in ("198.51.100.7", "198.51.100.8")
            for n in range(4)
        ]
    assert guesses == [401, 401, 401, 429] * 2


def test_refresh_rotates_and_a_second_use_ends_the_session(
    auth: Replica, other: Replica, database: AuthDatabase, tenant: Tenant
) -> None:
    first = auth.login(tenant).json()
    second = refresh(other, tenant, first["refresh_token"]).json()
    for token in (first["token"], second["token"]):
        assert auth.verify(token, tenant.host).status_code == 200
    assert refresh(auth, tenant, first["refresh_token"]).status_code == 401
    eventually(lambda: other.verify(second["token"], tenant.host).status_code == 401)
    assert refresh(auth, tenant, second["refresh_token"]).status_code == 401
    assert refresh(auth, tenant, "fr_" + "x" * 43).status_code == 401
    actions = database.run("SELECT action FROM audit_log WHERE tenant_id = %s", tenant.id)
    assert {"action": "refresh_token.reused"} in actions


def test_of_many_refreshes_at_once_one_wins(auth: Replica, tenant: Tenant) -> None:
    token = auth.login(tenant).json()["refresh_token"]
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: refresh(auth, tenant, token).status_code, range(8)))
    assert sorted(answers) == [200] + [401] * 7


def test_refresh_tokens_serve_their_own_tenant(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    token = auth.login(tenant).json()["refresh_token"]
    assert refresh(auth, tenant, token, database.tenant().host).status_code == 401
    assert refresh(auth, tenant, token).status_code == 200, "a wrong host doesn't use it up"


def test_logout_ends_access_on_every_replica(auth: Replica, other: Replica, tenant: Tenant) -> None:
    login, again = auth.login(tenant).json(), auth.token(tenant)
    for running in (auth, other):
        assert running.verify(login["token"], tenant.host).status_code == 200
    assert auth.call("POST", "/auth/logout", tenant, login["token"]).status_code == 204
    for running in (auth, other):
        eventually(lambda running=running: running.verify(login["token"], tenant.host).status_code == 401)
    assert refresh(auth, tenant, login["refresh_token"]).status_code == 401
    assert auth.verify(again, tenant.host).status_code == 200, "the other session goes on"


def test_new_password_ends_all_sessions(auth: Replica, tenant: Tenant) -> None:
    token, new = auth.token(tenant), "another long password"
    wrong = {"current_password": "wrong", "new_password": new}
    assert auth.call("POST", "/auth/password", tenant, token, wrong).status_code == 401
    right = {"current_password": PASSWORD, "new_password": new}
    assert auth.call("POST", "/auth/password", tenant, token, right).status_code == 204
    eventually(lambda: auth.verify(token, tenant.host).status_code == 401)
    assert auth.login(tenant).status_code == 401
    assert auth.login(tenant, password=new).status_code == 200


def test_bcrypt_hashes_are_replaced_at_login(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    email = tenant.email("member")
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    database.run("UPDATE users SET password_hash = %s WHERE email = %s", old, email)
    assert auth.login(tenant, password="wrong").status_code == 401
    for _ in range(2):
        assert auth.login(tenant).status_code == 200
        (row,) = database.run("SELECT password_hash FROM users WHERE email = %s", email)
        assert row["password_hash"].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("role", "may_add", "may_see_audit"),
    [("owner", ["owner", "admin", "viewer"], True), ("admin", ["admin", "viewer"], True), ("member", [], False),
     ("viewer", [], False)],
)  # fmt: skip
def test_roles(auth: Replica, tenant: Tenant, role: str, may_add: list[str], may_see_audit: bool) -> None:
    token = auth.token(tenant, role)
    for new in ("owner", "admin", "viewer"):
        body = {"email": f"{role}-{new}@{tenant.slug}.example", "password": PASSWORD, "role": new}
        answer = auth.call("POST", "/api/users", tenant, token, body)
        assert answer.status_code == (201 if new in may_add else 403), new
    assert auth.call("GET", "/api/audit", tenant, token).status_code == (200 if may_see_audit else 403)
    assert auth.call("GET", "/api/users", tenant, token).status_code == (403 if role == "viewer" else 200)
    assert auth.call("GET", "/api/keys", tenant, token).status_code == (403 if role == "viewer" else 200)


def test_a_new_role_is_in_effect_at_once_and_keys_beyond_it_end(auth: Replica, other: Replica, tenant: Tenant) -> None:
    token, owner = other.token(tenant, "member"), auth.token(tenant, "owner")
    writes, reads = auth.key(tenant, "tasks:write"), auth.key(tenant, "tasks:read")
    assert other.verify(token, tenant.host, "POST").status_code == 200
    user = auth.call("GET", "/auth/me", tenant, token).json()["user_id"]
    changed = auth.call("PATCH", f"/api/users/{user}", tenant, owner, {"role": "viewer"})
    assert changed.json()["role"] == "viewer"
    eventually(lambda: other.verify(token, tenant.host, "POST").status_code == 403)
    assert other.verify(token, tenant.host).headers["x-user-role"] == "viewer"
    eventually(lambda: other.verify(writes["key"], tenant.host).status_code == 401)
    assert other.verify(reads["key"], tenant.host).status_code == 200


def test_removed_users_lose_everything(auth: Replica, other: Replica, tenant: Tenant) -> None:
    token, key, owner = auth.token(tenant, "admin"), auth.key(tenant, role="admin"), auth.token(tenant, "owner")
    user = auth.call("GET", "/auth/me", tenant, token).json()["user_id"]
    assert other.verify(token, tenant.host).status_code == other.verify(key["key"], tenant.host).status_code == 200
    assert auth.call("DELETE", f"/api/users/{user}", tenant, owner).status_code == 204
    for credential in (token, key["key"]):
        eventually(lambda credential=credential: other.verify(credential, tenant.host).status_code == 401)
    assert auth.login(tenant, "admin").status_code == 401


def test_a_tenant_keeps_an_owner(auth: Replica, tenant: Tenant) -> None:
    owner = auth.token(tenant, "owner")
    me = auth.call("GET", "/auth/me", tenant, owner).json()["user_id"]
    assert auth.call("DELETE", f"/api/users/{me}", tenant, owner).status_code == 409
    assert auth.call("PATCH", f"/api/users/{me}", tenant, owner, {"role": "admin"}).status_code == 409


def test_people_of_other_tenants_are_out_of_reach(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    bob = database.tenant()
    owner, victim = auth.token(tenant, "owner"), auth.token(bob, "member")
    user = auth.call("GET", "/auth/me", bob, victim).json()["user_id"]
    assert auth.call("DELETE", f"/api/users/{user}", tenant, owner).status_code == 404
    assert auth.call("PATCH", f"/api/users/{user}", tenant, owner, {"role": "viewer"}).status_code == 404
    assert auth.call("GET", "/api/users", bob, owner).json() == {"error": "Tenant mismatch"}
    taken = {"email": bob.email("member"), "password": PASSWORD}
    assert auth.call("POST", "/api/users", tenant, owner, taken).status_code == 409


def test_the_audit_log_tells_what_happened(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    owner = auth.token(tenant, "owner")
    key = auth.key(tenant)
    entries = auth.call("GET", "/api/audit", tenant, owner).json()
    assert [entry["action"] for entry in entries] == ["api_key.created", "login", "login"]
    assert entries[0]["target"] == f"key:{key['id']}"
    everything = database.run("SELECT string_agg(a::text, ' ') AS text FROM audit_log a")[0]["text"]
    assert key["key"] not in everything
    assert PASSWORD not in everything


def test_browsers_have_a_cookie(auth: Replica, database: AuthDatabase, tenant: Tenant) -> None:
    body = {"email": tenant.email("member"), "password": PASSWORD, "cookie": True}
    answer = auth.client.post("/auth/login", json=body, headers={"x-forwarded-host": tenant.host})
    auth.client.cookies.clear()  # they are told by name below
    token = answer.json()["token"]
    assert answer.headers["set-cookie"] == (
        f"__Host-session={token}; HttpOnly; Max-Age=3600; Path=/; SameSite=strict; Secure"
    )

    def status(host: str = tenant.host, method: str = "GET", **headers: str) -> int:
        extra = {"cookie": f"theme=dark; __Host-session={token}"} | headers
        return auth.verify(None, host, method, extra).status_code

    own, typed = {"sec-fetch-site": "same-origin"}, {"sec-fetch-site": "none"}
    assert status(**typed) == status(**own) == status(method="POST", **own) == 200
    # Pages of other tenants are the same site, whatever SameSite says.
    for site in ("same-site", "cross-site", "", "same-origin, none"):
        assert status(**{"sec-fetch-site": site}) == 401, site
    assert status() == 401
    assert status(database.tenant().host, **own) == 403
    assert status(cookie="__Host-session=", **own) == 401
    assert status(cookie=f"session={token}", **own) == 401
    assert status(authorization="Bearer wrong", **own) == 401, "the header comes first"
    headers = {"x-forwarded-host": tenant.host, "cookie": f"__Host-session={token}"} | own
    left = auth.client.post("/auth/logout", headers=headers)
    assert left.status_code == 204
    assert "Max-Age=0" in left.headers["set-cookie"]
    eventually(lambda: status(**own) == 401)


def test_tenants_are_registered_over_and_over(
    auth: Replica, database: AuthDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = f"r{secrets.token_hex(6)}"
    alice = Tenant(uuid4(), slug)
    known = {
        "id": str(alice.id), "slug": slug, "tier": "pro", "domains": [f"{slug}.customer.org"],
        "owner": {"email": alice.email("owner"), "password": PASSWORD},
    }  # fmt: skip
    for name, value in {"DOMAIN": "example.com", "DATABASE": database.conninfo, "SECRET": SECRET}.items():
        monkeypatch.setenv(f"AUTH_{name}", value)

    def register(*tenants: object) -> Result:
        return CliRunner().invoke(app, ["register-tenants", "-"], input=json.dumps(tenants))

    for _ in range(2):
        assert register(known).exit_code == 0
    token = auth.token(alice, "owner")
    eventually(lambda: auth.verify(token, f"{slug}.customer.org", "POST").status_code == 200)
    assert register(known | {"status": "suspended", "domains": []}).exit_code == 0
    eventually(lambda: auth.verify(token, alice.host, "POST").status_code == 402)
    eventually(lambda: auth.verify(token, f"{slug}.customer.org").status_code == 403)
    wrong = register(known | {"owner": {"email": "x", "password": "a-secret-too-short"[:5]}})
    assert wrong.exit_code == 2
    assert "0.owner.email" in wrong.output
    assert "a-sec" not in wrong.output
