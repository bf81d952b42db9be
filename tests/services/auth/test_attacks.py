"""Tokens and requests that somebody made up: every one is refused, and all alike."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import ECKey, OctKey

from services.auth import api_keys, signing_keys
from services.auth.database import Database
from services.auth.tokens import KeyRing, SigningKey
from tests.services.auth.world import AuthDatabase, Replica, Tenant, settings

pytestmark = pytest.mark.xdist_group("auth")

Header = dict[str, Any]


@dataclass(frozen=True)
class Forger:
    """What an attacker has: a good token of their own, and the service's public key; for control, its private one."""

    token: str
    key: SigningKey

    @property
    def header(self) -> Header:
        return dict(json.loads(decode(self.token.split(".")[0])))

    @property
    def claims(self) -> Header:
        return dict(json.loads(decode(self.token.split(".")[1])))

    def sign(self, key: ECKey | OctKey | None = None, header: Header | None = None, **claims: object) -> str:
        """A token as the service would make it, with changes."""
        header = self.header | (header or {})
        payload = {name: value for name, value in (self.claims | claims).items() if value is not None}
        algorithm = header["alg"]
        return jws.serialize_compact(header, json.dumps(payload), key or self.key.key, algorithms=[algorithm])

    def with_hmac(self, secret: bytes) -> str:
        """The token with HS256 and a secret that isn't one."""
        header = encode(json.dumps(self.header | {"alg": "HS256"}).encode())
        signed = f"{header}.{self.token.split('.')[1]}"
        return f"{signed}.{encode(hmac.digest(secret, signed.encode(), 'sha256'))}"

    def unsigned(self, header: Header, signature: str = "") -> str:
        payload = self.token.split(".")[1]
        return f"{encode(json.dumps(header).encode())}.{payload}.{signature}"


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.fixture(scope="module")
def ring(auth: Replica, database: AuthDatabase) -> KeyRing:
    async def load() -> KeyRing:
        connection = Database(database.conninfo, 1)
        await connection.open()
        try:
            return await signing_keys.load(connection, settings(database))
        finally:
            await connection.close()

    return asyncio.run(load())


@pytest.fixture(scope="module")
def victim(database: AuthDatabase) -> Tenant:
    return database.tenant()


@pytest.fixture(scope="module")
def forger(auth: Replica, ring: KeyRing, victim: Tenant) -> Forger:
    assert ring.signer is not None
    return Forger(auth.token(victim, "member"), ring.signer)


def _public_pem(forger: Forger) -> bytes:
    assert isinstance(forger.key.key, ECKey)
    public = forger.key.key.get_op_key("verify")
    return public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def _swapped(forger: Forger) -> str:
    header, payload, signature = forger.token.split(".")
    changed = json.loads(decode(payload)) | {"role": "owner"}
    return f"{header}.{encode(json.dumps(changed).encode())}.{signature}"


OTHER = ECKey.generate_key("P-256")
ATTACKS: dict[str, Callable[[Forger], str]] = {
    "payload changed": _swapped,
    "signature changed": lambda f: f.token[:-6] + ("AAAAAA" if not f.token.endswith("AAAAAA") else "BBBBBB"),
    "signature cut off": lambda f: f.token.rpartition(".")[0] + ".",
    "signature of zeros (CVE-2022-21449)": lambda f: f.unsigned(f.header, encode(bytes(64))),
    "signature in DER": lambda f: f.unsigned(f.header, encode(b"0\x06\x02\x01\x01\x02\x01\x01")),
    "wrong key": lambda f: f.sign(OTHER),
    "wrong key that comes along (jwk)": lambda f: f.sign(OTHER, {"jwk": OTHER.as_dict(private=False)}),
    "right key that comes along (jwk)": lambda f: f.sign(header={"jwk": f.key.key.as_dict(private=False)}),
    "key from an address (jku)": lambda f: f.sign(OTHER, {"jku": "https://evil.example/jwks.json"}),
    "key from an address (x5u)": lambda f: f.sign(OTHER, {"x5u": "https://evil.example/cert.pem"}),
    "algorithm none": lambda f: f.unsigned(f.header | {"alg": "none"}),
    "algorithm None": lambda f: f.unsigned(f.header | {"alg": "None"}),
    "algorithm none with a signature": lambda f: f.unsigned(f.header | {"alg": "none"}, f.token.rpartition(".")[2]),
    "algorithm missing": lambda f: f.unsigned({"typ": "JWT", "kid": f.key.kid}),
    "algorithm that is a list": lambda f: f.unsigned(f.header | {"alg": ["ES256"]}),
    "public key as HMAC secret": lambda f: f.with_hmac(_public_pem(f)),
    "public key's coordinate as HMAC secret": lambda f: f.with_hmac(
        str(f.key.key.as_dict(private=False)["x"]).encode()
    ),
    "empty HMAC secret": lambda f: f.with_hmac(b""),
    "key's number unknown": lambda f: f.sign(header={"kid": "nobody"}),
    "key's number missing": lambda f: f.unsigned({"alg": "ES256", "typ": "JWT"}, f.token.rpartition(".")[2]),
    "key's number is a path": lambda f: f.sign(header={"kid": "../../dev/null"}),
    "key's number is SQL": lambda f: f.sign(header={"kid": "' OR '1'='1"}),
    "key's number is an object": lambda f: f.unsigned(f.header | {"kid": {"a": 1}}, f.token.rpartition(".")[2]),
    "type of another kind of token": lambda f: f.sign(header={"typ": "at+jwt"}),
    "unknown demand (crit)": lambda f: f.unsigned(f.header | {"crit": ["exp"]}, f.token.rpartition(".")[2]),
    "payload not encoded (b64)": lambda f: f.unsigned(f.header | {"b64": False, "crit": ["b64"]}, "AAAA"),
    "expired": lambda f: f.sign(exp=int(time.time()) - 1),
    "no end": lambda f: f.sign(exp=None),
    "end that is text": lambda f: f.sign(exp="9999999999"),
    "end that is true": lambda f: f.sign(exp=True),
    "end that is infinite": lambda f: f.sign(exp=float("inf")),
    "not yet issued": lambda f: f.sign(iat=int(time.time()) + 600),
    "another issuer": lambda f: f.sign(iss="https://auth.evil.example"),
    "another audience": lambda f: f.sign(aud="evil.example"),
    "several audiences": lambda f: f.sign(aud=["example.com", "evil.example"]),
    "another tenant's number": lambda f: f.sign(tenant_id=str(uuid4())),
    "another tenant's slug": lambda f: f.sign(tenant_slug="bob"),
    "another user": lambda f: f.sign(sub=str(uuid4())),
    "user that is no UUID": lambda f: f.sign(sub="' OR 1=1 --"),
    "unknown session": lambda f: f.sign(sid=str(uuid4())),
    "no session": lambda f: f.sign(sid=None),
    "two dots too many": lambda f: f.token + ".." + "AAAA",
    "padding": lambda f: f.token + "==",
    "spaces inside": lambda f: f.token.replace(".", " .", 1),
    "a comma and a second token": lambda f: f"{f.token},{f.token}",
    "JSON serialization": lambda f: json.dumps({"payload": f.token.split(".")[1], "signatures": []}),
    "encrypted token's five parts": lambda f: ".".join(["AAAA"] * 5),
    "deep nesting": lambda f: f"{encode(b'[' * 2000)}.AAAA.AAAA",
    "header is no object": lambda f: f"{encode(b'[]')}.AAAA.AAAA",
    "header is no UTF-8": lambda f: f"{encode(bytes([0xFF, 0xFE]))}.AAAA.AAAA",
    "huge token": lambda f: f.sign(filler="x" * 5000),
    "fullwidth letters": lambda f: f.token.replace(".", "\uff0e", 1),
    "refresh token": lambda f: "fr_" + "A" * 43,
    "API key's prefix alone": lambda f: "fc_test_",
    "API key without its last letter": lambda f: api_keys.make("test", "alice")[:-1],
    "API key of production": lambda f: api_keys.make("live", "alice"),
    "API key of nobody": lambda f: api_keys.make("test", "alice"),
    "API key with a percent sign": lambda f: "fc_test_%_" + "0" * 40,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_forged_tokens_are_refused_alike(auth: Replica, victim: Tenant, forger: Forger, attack: str) -> None:
    forged = ATTACKS[attack](forger)
    assert forged != forger.token
    answer = auth.verify(None, victim.host, extra={"authorization": f"Bearer {forged}".encode()})  # type: ignore[dict-item]
    assert (answer.status_code, answer.json()) == (401, {"error": "Invalid token"})
    assert not [name for name in answer.headers if name.startswith("x-")]


def test_what_the_service_signs_is_let_through(auth: Replica, victim: Tenant, forger: Forger) -> None:
    """The table above proves nothing if its tokens were refused for being made here."""
    assert auth.verify(forger.sign(jti="another"), victim.host).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [
        "Basic dXNlcjpwYXNz", "Bearer", "bearer", "Token {token}", "{token}", "Bearer {token} x",
        "Bearer {token}\tx", "Bearer\t{token}", "BearerX {token}", 'Bearer "{token}"',
    ],
)  # fmt: skip
def test_other_authorization_is_no_token(auth: Replica, victim: Tenant, forger: Forger, sent: str) -> None:
    header = {"authorization": sent.replace("{token}", forger.token)}
    assert auth.verify(None, victim.host, extra=header).status_code == 401


def raw(auth: Replica, *lines: str) -> int:
    """The status of an answer to headers as they stand here, twice where they stand twice."""
    request = "\r\n".join(["GET /verify HTTP/1.1", "Host: auth", "Connection: close", *lines, "", ""])
    with socket.create_connection(("127.0.0.1", auth.port), timeout=10) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    return int(answer.split(b" ", 2)[1])


def test_headers_that_come_twice_are_refused(
    auth: Replica, database: AuthDatabase, victim: Tenant, forger: Forger
) -> None:
    bob = database.tenant()
    good, host = f"Authorization: Bearer {forger.token}", f"X-Forwarded-Host: {victim.host}"
    assert raw(auth, good, host) == 200
    assert raw(auth, good, good, host) == 401
    assert raw(auth, good, f"Authorization: Bearer {auth.token(bob)}", host) == 401
    assert raw(auth, good, host, f"X-Forwarded-Host: {bob.host}") == 403
    assert raw(auth, good, f"X_Forwarded_Host: {victim.host}") == 403
    assert raw(auth, f"X_Authorization: Bearer {forger.token}", host) == 401
    assert raw(auth, good) == 403, "the Host header is the service's own"


def test_a_method_that_comes_twice_counts_as_writing(auth: Replica, victim: Tenant) -> None:
    good, host = f"Authorization: Bearer {auth.token(victim, 'viewer')}", f"X-Forwarded-Host: {victim.host}"
    assert raw(auth, good, host, "X-Forwarded-Method: GET") == 200
    assert raw(auth, good, host, "X-Forwarded-Method: GET", "X-Forwarded-Method: POST") == 403
    assert raw(auth, good, host, "X-Forwarded-Method: POST", "X-Forwarded-Method: GET") == 403


def test_bodies_that_are_too_large_are_refused(auth: Replica) -> None:
    answer = auth.client.post("/auth/login", content=b"[" * 100_000, headers={"content-type": "application/json"})
    assert answer.status_code == 413
    deep = auth.client.post("/auth/login", content=b"[" * 60_000, headers={"content-type": "application/json"})
    assert deep.status_code in (400, 422)


def test_the_published_keys_check_tokens_and_hold_no_secret(auth: Replica, other: Replica, forger: Forger) -> None:
    published = auth.client.get("/.well-known/jwks.json")
    assert published.headers["cache-control"] == "public, max-age=300"
    (key,) = [key for key in published.json()["keys"] if key["kid"] == forger.header["kid"]]
    assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}
    jws.deserialize_compact(forger.token, ECKey.import_key(key), algorithms=["ES256"])
    assert other.client.get("/.well-known/jwks.json").json() == published.json()
