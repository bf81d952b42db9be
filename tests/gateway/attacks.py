"""Attacks on the front door, each with what counts as refused. The proof's table is made of the same list."""

from __future__ import annotations

import base64
import hmac
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from joserfc import jws
from joserfc.jwk import ECKey

from tests.gateway.world import Door, headers_of
from tests.services.auth.world import DOMAIN, Replica, Tenant

PATH = "/api/seldon/tasks"


@dataclass(frozen=True)
class Scene:
    """Who is there to be attacked, and with what."""

    door: Door
    auth: Replica
    alice: Tenant
    bob: Tenant
    token: str
    """Of a member of alice's."""

    def claims(self) -> dict[str, Any]:
        return dict(json.loads(_decoded(self.token.split(".")[1])))

    def header(self) -> dict[str, Any]:
        return dict(json.loads(_decoded(self.token.split(".")[0])))


@dataclass(frozen=True)
class Attack:
    """``run`` returns what came of it, in words, and raises AssertionError when it got through."""

    group: str
    name: str
    run: Callable[[Scene], str]


_ATTACKS: list[Attack] = []


def attack(group: str, name: str) -> Callable[[Callable[[Scene], str]], Callable[[Scene], str]]:
    def register(run: Callable[[Scene], str]) -> Callable[[Scene], str]:
        _ATTACKS.append(Attack(group, name, run))
        return run

    return register


def attacks() -> list[Attack]:
    return list(_ATTACKS)


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _encoded(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _refused(answer: httpx.Response, *statuses: int) -> str:
    assert answer.status_code in statuses, f"{answer.status_code} {answer.text[:200]}"
    return str(answer.status_code)


def _status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1") else 0


def _body(answer: bytes) -> dict[str, Any]:
    return dict(json.loads(answer.partition(b"\r\n\r\n")[2]))


# Tokens


@attack("tokens", "none at all")
def _(scene: Scene) -> str:
    return _refused(scene.door.get(scene.alice.host, PATH), 401)


@attack("tokens", "signed with a key of the attacker's under the real kid")
def _(scene: Scene) -> str:
    key = ECKey.generate_key("P-256")
    forged = jws.serialize_compact(scene.header(), json.dumps(scene.claims()).encode(), key, algorithms=["ES256"])
    return _refused(scene.door.get(scene.alice.host, PATH, forged), 401)


@attack("tokens", "an unknown kid")
def _(scene: Scene) -> str:
    key = ECKey.generate_key("P-256")
    header = {**scene.header(), "kid": "attacker"}
    forged = jws.serialize_compact(header, json.dumps(scene.claims()).encode(), key, algorithms=["ES256"])
    return _refused(scene.door.get(scene.alice.host, PATH, forged), 401)


@attack("tokens", "the key embedded in the token (jwk)")
def _(scene: Scene) -> str:
    key = ECKey.generate_key("P-256")
    header = {"alg": "ES256", "typ": "JWT", "jwk": key.as_dict(private=False)}
    forged = ".".join((_encoded(header), _encoded(scene.claims()), "AAAA"))
    return _refused(scene.door.get(scene.alice.host, PATH, forged), 401)


@attack("tokens", "algorithm none")
def _(scene: Scene) -> str:
    seen = []
    for algorithm in ("none", "None", "NONE", "nOnE"):
        for signature in ("", scene.token.split(".")[2]):
            header = {**scene.header(), "alg": algorithm}
            forged = f"{_encoded(header)}.{_encoded(scene.claims())}.{signature}"
            seen.append(_refused(scene.door.get(scene.alice.host, PATH, forged), 401))
    return ", ".join(sorted(set(seen)))


@attack("tokens", "HS256 with the published key as the secret")
def _(scene: Scene) -> str:
    published = scene.auth.client.get("/.well-known/jwks.json").json()["keys"][0]
    pem = ECKey.import_key(published).as_pem(private=False)
    seen = []
    for secret in (pem, json.dumps(published).encode(), b""):
        signed = f"{_encoded({**scene.header(), 'alg': 'HS256'})}.{_encoded(scene.claims())}"
        signature = base64.urlsafe_b64encode(hmac.digest(secret, signed.encode(), "sha256")).rstrip(b"=").decode()
        seen.append(_refused(scene.door.get(scene.alice.host, PATH, f"{signed}.{signature}"), 401))
    return ", ".join(sorted(set(seen)))


@attack("tokens", "claims changed under the real signature")
def _(scene: Scene) -> str:
    header, _, signature = scene.token.split(".")
    forged = f"{header}.{_encoded({**scene.claims(), 'role': 'owner', 'exp': int(time.time()) + 10**8})}.{signature}"
    return _refused(scene.door.get(scene.alice.host, PATH, forged), 401)


@attack("tokens", "cut short, doubled, with junk behind it")
def _(scene: Scene) -> str:
    variants = (scene.token[:-4], scene.token + "AAAA", scene.token + "." + scene.token, scene.token + " x", "Bearer")
    return ", ".join(sorted({_refused(scene.door.get(scene.alice.host, PATH, value), 401) for value in variants}))


@attack("tokens", "as Basic, in the query, in a cookie")
def _(scene: Scene) -> str:
    basic = base64.b64encode(f"x:{scene.token}".encode()).decode()
    answers = (
        scene.door.request("GET", scene.alice.host, PATH, headers={"authorization": f"Basic {basic}"}),
        scene.door.get(scene.alice.host, f"{PATH}?access_token={scene.token}&token={scene.token}"),
        scene.door.request("GET", scene.alice.host, PATH, headers={"cookie": f"token={scene.token}"}),
    )
    return ", ".join(sorted({_refused(answer, 401) for answer in answers}))


@attack("tokens", "an invented API key")
def _(scene: Scene) -> str:
    return _refused(scene.door.get(scene.alice.host, PATH, f"fc_test_{scene.alice.slug}_{'0' * 32}"), 401)


# Another tenant


@attack("another tenant", "alice's token at bob's host")
def _(scene: Scene) -> str:
    return _refused(scene.door.get(scene.bob.host, PATH, scene.token), 403)


@attack("another tenant", "alice's API key at bob's host")
def _(scene: Scene) -> str:
    key = scene.auth.key(scene.alice)["key"]
    assert scene.door.get(scene.alice.host, PATH, key).status_code == 200
    return _refused(scene.door.get(scene.bob.host, PATH, key), 403)


@attack("another tenant", "two Authorization headers, either way round")
def _(scene: Scene) -> str:
    seen = set()
    other = "fc_test_x"
    for first, second in ((scene.token, other), (other, scene.token)):
        request = (
            f"GET {PATH} HTTP/1.1\r\nHost: {scene.bob.host}\r\nAuthorization: Bearer {first}\r\n"
            f"Authorization: Bearer {second}\r\nConnection: close\r\n\r\n"
        )
        status = _status(scene.door.raw(scene.bob.host, request.encode()))
        assert status in (400, 401, 403), status
        seen.add(str(status))
    return ", ".join(sorted(seen))


@attack("another tenant", "TLS for alice, Host of bob: bob's rules count")
def _(scene: Scene) -> str:
    request = (
        f"GET {PATH} HTTP/1.1\r\nHost: {scene.bob.host}\r\nAuthorization: Bearer {scene.token}\r\n"
        "Connection: close\r\n\r\n"
    )
    status = _status(scene.door.raw(scene.alice.host, request.encode()))
    assert status in (403, 421), status
    return str(status)


@attack("another tenant", "X-Forwarded-Host, Forwarded, X-Original-URL and their like")
def _(scene: Scene) -> str:
    seen = set()
    for name in ("X-Forwarded-Host", "X-Host", "X-Forwarded-Server", "X-HTTP-Host-Override", "X-Original-Host"):
        answer = scene.door.request(
            "GET", scene.bob.host, PATH, headers={name: scene.alice.host, "authorization": f"Bearer {scene.token}"}
        )
        seen.add(_refused(answer, 403))
    for headers in (
        {"forwarded": f"host={scene.alice.host}"},
        {"x-original-url": "/health"},
        {"x-rewrite-url": "/health"},
        {"x-forwarded-uri": "/health", "x-forwarded-prefix": "/health"},
        {"x-http-method-override": "GET", "x-forwarded-method": "GET"},
    ):
        answer = scene.door.request("GET", scene.bob.host, PATH, headers=headers)
        seen.add(_refused(answer, 401))
    return ", ".join(sorted(seen))


# Hosts


@attack("hosts", "absolute URI that names bob, Host that names alice")
def _(scene: Scene) -> str:
    request = (
        f"GET https://{scene.bob.host}{PATH} HTTP/1.1\r\nHost: {scene.alice.host}\r\n"
        f"Authorization: Bearer {scene.token}\r\nConnection: close\r\n\r\n"
    )
    status = _status(scene.door.raw(scene.alice.host, request.encode()))
    # RFC 9112, 3.2.2: the target counts. Whatever counts, both checks see the same.
    assert status in (400, 403, 421), status
    return str(status)


@attack("hosts", "two Host headers")
def _(scene: Scene) -> str:
    request = (
        f"GET {PATH} HTTP/1.1\r\nHost: {scene.alice.host}\r\nHost: {scene.bob.host}\r\n"
        f"Authorization: Bearer {scene.token}\r\nConnection: close\r\n\r\n"
    )
    status = _status(scene.door.raw(scene.alice.host, request.encode()))
    assert status == 400, status
    return str(status)


@attack("hosts", "hosts that look like alice's")
def _(scene: Scene) -> str:
    seen = set()
    for host in (
        f"{scene.alice.host}.evil.example",
        f"x.{scene.alice.host}",
        f"{scene.alice.slug}.evil.example",
        DOMAIN,
    ):
        request = (
            f"GET {PATH} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {scene.token}\r\nConnection: close\r\n\r\n"
        )
        status = _status(scene.door.raw(scene.alice.host, request.encode()))
        assert status in (400, 404, 421), f"{host}: {status}"
        seen.add(str(status))
    return ", ".join(sorted(seen))


@attack("hosts", "an unknown name in the TLS handshake")
def _(scene: Scene) -> str:
    try:
        scene.door.raw("nobody.example", b"GET / HTTP/1.1\r\n\r\n")
    except OSError as error:
        return f"no handshake ({type(error).__name__})"
    raise AssertionError("a certificate was shown")


# Headers


def _reaches(scene: Scene, extra: str) -> tuple[int, dict[str, list[str]]]:
    request = (
        f"GET {PATH} HTTP/1.1\r\nHost: {scene.alice.host}\r\nAuthorization: Bearer {scene.token}\r\n"
        f"{extra}Connection: close\r\n\r\n"
    )
    answer = scene.door.raw(scene.alice.host, request.encode())
    status = _status(answer)
    return status, headers_of(_body(answer)) if status == 200 else {}


IDENTITY = (
    "X-Tenant-Id",
    "X-Tenant-Slug",
    "X-Tenant-Tier",
    "X-Tenant-Schema",
    "X-User-Id",
    "X-User-Role",
    "X-Auth-Scopes",
)


@attack("headers", "identity headers sent along, once and twice, in any case")
def _(scene: Scene) -> str:
    for name in (*IDENTITY, *(name.lower() for name in IDENTITY), *(name.upper() for name in IDENTITY)):
        status, found = _reaches(scene, f"{name}: evil\r\n{name}: evil2\r\n")
        assert status == 200
        values = [value for key in IDENTITY for value in found.get(key.lower(), [])]
        assert not any("evil" in value for value in values), f"{name}: {values}"
        assert all(len(found[key.lower()]) == 1 for key in IDENTITY), found
    return "replaced"


@attack("headers", "identity headers on a path that asks for no token")
def _(scene: Scene) -> str:
    request = "GET /login HTTP/1.1\r\nHost: " + scene.alice.host + "\r\n"
    request += "".join(f"{name}: evil\r\n" for name in IDENTITY) + "Connection: close\r\n\r\n"
    answer = scene.door.raw(scene.alice.host, request.encode())
    assert _status(answer) == 200
    found = headers_of(_body(answer))
    assert [found.get(name.lower()) for name in IDENTITY if name != "X-Tenant-Slug"] == [None] * 6, found
    assert found["x-tenant-slug"] == [scene.alice.slug]
    return "removed"


@attack("headers", "underscores, dots and spaces for hyphens")
def _(scene: Scene) -> str:
    seen = set()
    for name in ("X_Tenant_Id", "X-Tenant_Id", "X.Tenant.Id", "X_User_Role", "X-Tenant-Id ", " X-Tenant-Id"):
        status, found = _reaches(scene, f"{name}: evil\r\n")
        assert not any("evil" in value for values in found.values() for value in values), f"{name}: {found}"
        # A line that begins with a space goes on with the line before it, which is the token's.
        assert status in (400, 401), status
        seen.add(str(status))
    return ", ".join(sorted(seen))


@attack("headers", "Connection names identity headers, so that they are dropped on the way")
def _(scene: Scene) -> str:
    for extra in (
        "Connection: X-Tenant-Id, X-User-Role\r\n",
        "Connection: keep-alive, Authorization, X-Forwarded-Host\r\n",
    ):
        request = (
            f"GET {PATH} HTTP/1.1\r\nHost: {scene.alice.host}\r\nAuthorization: Bearer {scene.token}\r\n{extra}\r\n"
        )
        answer = scene.door.raw(scene.alice.host, request.encode(), patience=1)
        if _status(answer) == 200:
            found = headers_of(_body(answer))
            assert found["x-tenant-id"] == [str(scene.alice.id)], found
            assert found["x-user-role"] == ["member"], found
        else:
            assert _status(answer) == 401
    return "no effect, or 401"


@attack("headers", "line folding, bare line feeds, control characters")
def _(scene: Scene) -> str:
    seen = set()
    for extra in (
        "X-A: b\r\n X-Tenant-Id: evil\r\n",
        "X-A: b\nX-Tenant-Id: evil\r\n",
        "X-A: b\x00c\r\n",
        "X-A\x0b: b\r\n",
    ):
        status, found = _reaches(scene, extra)
        assert found.get("x-tenant-id", [str(scene.alice.id)]) == [str(scene.alice.id)], found
        assert status in (200, 400), status
        seen.add(str(status))
    return ", ".join(sorted(seen)) + ", identity intact"


# Smuggling


@attack("smuggling", "Content-Length beside Transfer-Encoding, and odd encodings")
def _(scene: Scene) -> str:
    smuggled = f"GET /smuggled HTTP/1.1\r\nHost: {scene.bob.host}\r\n\r\n"
    seen = set()
    for framing in (
        f"Content-Length: {len(smuggled) + 5}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}",
        f"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n5c\r\n{smuggled}",
        f"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{smuggled}",
        f"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{smuggled}",
        f"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{smuggled}",
        f"Content-Length: 0\r\nContent-Length: {len(smuggled)}\r\n\r\n{smuggled}",
        f"Content-Length: +0\r\n\r\n{smuggled}",
    ):
        request = (
            f"POST {PATH} HTTP/1.1\r\nHost: {scene.alice.host}\r\nAuthorization: Bearer {scene.token}\r\n{framing}"
        )
        answer = scene.door.raw(scene.alice.host, request.encode(), patience=1)
        assert b"/smuggled" not in answer, answer
        seen.add(str(_status(answer)))
    return "answered " + ", ".join(sorted(seen)) + "; the second request never reached a pod"


@attack("smuggling", "CONNECT and TRACE")
def _(scene: Scene) -> str:
    seen = set()
    for line in (f"CONNECT {scene.bob.host}:443", f"CONNECT {PATH}", f"TRACE {PATH}"):
        request = f"{line} HTTP/1.1\r\nHost: {scene.alice.host}\r\nConnection: close\r\n\r\n"
        status = _status(scene.door.raw(scene.alice.host, request.encode()))
        assert status >= 400, status
        seen.add(str(status))
    return ", ".join(sorted(seen))


# Paths


@attack("paths", "around the exempt paths: dot segments, encoded slashes, double encoding")
def _(scene: Scene) -> str:
    seen = set()
    for path in (
        "/health/../api/seldon/tasks", "/health/..%2fapi/seldon/tasks", "/health%2f..%2fapi/seldon/tasks",
        "/health/%2e%2e/api/seldon/tasks", "/health/..;/api/seldon/tasks", "/health;/../api/seldon/tasks",
        "/login/../../api/seldon/tasks", "/health/..%5capi/seldon/tasks", "/health\\..\\api\\seldon\\tasks",
        "//health/../api/seldon/tasks", "/./health/../api", "/health/%252e%252e/api", "/api/seldon/tasks/..%00/health",
        "/api%2fseldon", "/Health", "/HEALTH/../api", "/healthz", "/login-admin", "/dashboard/assets../secret",
        "/api/seldon/tasks?/health", "/api/seldon/tasks%3f/health", "/api/seldon/tasks#/health",
        "/api/seldon/tasks%23/health",
    ):  # fmt: skip
        request = f"GET {path} HTTP/1.1\r\nHost: {scene.alice.host}\r\nConnection: close\r\n\r\n"
        answer = scene.door.raw(scene.alice.host, request.encode())
        status = _status(answer)
        if status == 200:
            # Let through as an exempt path: then it must be one for the pod too, however it reads it.
            reached = _body(answer).get("path", "/health")
            assert reached.startswith(("/health", "/login")), f"{path} reached {reached}"
            assert ".." not in reached, f"{path} reached {reached}"
            assert "%2e" not in reached.lower(), f"{path} reached {reached}"
        seen.add(str(status))
        assert status in (200, 301, 308, 400, 401, 404), f"{path}: {status}"
    return ", ".join(sorted(seen))


# Size and time


@attack("size and time", "a body over 10 MiB, declared and in chunks")
def _(scene: Scene) -> str:
    headers = {"authorization": f"Bearer {scene.token}"}
    size = 10 * 1024 * 1024 + 1

    def chunks() -> Iterator[bytes]:
        for _ in range(11):
            yield bytes(1024 * 1024)

    declared = scene.door.request("POST", scene.alice.host, PATH, headers=headers, content=bytes(size))
    chunked = scene.door.request("POST", scene.alice.host, PATH, headers=headers, content=chunks())
    return ", ".join(sorted({_refused(declared, 413), _refused(chunked, 413)}))


@attack("size and time", "headers over 32 KiB")
def _(scene: Scene) -> str:
    request = f"GET {PATH} HTTP/1.1\r\nHost: {scene.alice.host}\r\nX-Big: {'a' * 60_000}\r\nConnection: close\r\n\r\n"
    status = _status(scene.door.raw(scene.alice.host, request.encode()))
    assert status == 431, status
    return str(status)
