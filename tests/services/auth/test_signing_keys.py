"""Keys that sign tokens: their rotation, HS256 with JWT_SECRET, and Wycheproof's vectors where they are at hand."""

from __future__ import annotations

import hmac
import json
import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry
from typer.testing import CliRunner

from services.auth.__main__ import app
from services.auth.tokens import InvalidToken, payload_of
from tests.services.auth.world import SECRET, AuthDatabase, Replica, Tenant, eventually, replica

pytestmark = pytest.mark.xdist_group("auth")

Command = Callable[..., Result]
WYCHEPROOF = os.environ.get("WYCHEPROOF_VECTORS")


@pytest.fixture
def command(database: AuthDatabase, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Runs a command with settings in the environment beside the usual ones; None takes one away."""
    usual = {"AUTH_DOMAIN": "example.com", "AUTH_DATABASE": database.conninfo, "AUTH_SECRET": SECRET}

    def run(*arguments: str, stdin: str = "", **environment: str | None) -> Result:
        for name, value in (usual | environment).items():
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        return CliRunner().invoke(app, arguments, input=stdin)

    return run


def kids(auth: Replica) -> list[str]:
    return [key["kid"] for key in auth.client.get("/.well-known/jwks.json").json()["keys"]]


def header_of(token: str) -> dict[str, Any]:
    return jws.extract_compact(token.encode()).headers()


def kid_of(token: str) -> str:
    return str(header_of(token)["kid"])


@pytest.fixture
def keys(database: AuthDatabase) -> Any:
    """Puts the keys back as they were: other tests' tokens are signed with them."""
    before = database.run("SELECT * FROM signing_keys")
    yield
    database.run("DELETE FROM signing_keys")
    for row in before:
        database.run(
            "INSERT INTO signing_keys (kid, algorithm, private_key, signs_from) VALUES (%s, %s, %s, %s)",
            row["kid"], row["algorithm"], row["private_key"], row["signs_from"],
        )  # fmt: skip


@pytest.mark.usefixtures("keys")
def test_rotation_publishes_first_and_signs_later(
    auth: Replica, database: AuthDatabase, tenant: Tenant, command: Command
) -> None:
    eventually(lambda: len(kids(auth)) == 1)
    old = auth.token(tenant)
    made = command("rotate-signing-key")
    assert made.exit_code == 0, made.stderr
    new = made.stdout.strip()
    eventually(lambda: new in kids(auth))
    assert kid_of(auth.token(tenant)) == kid_of(old), "who keeps the key set for a while doesn't know the new one yet"
    database.run("UPDATE signing_keys SET signs_from = now() WHERE kid = %s", new)
    eventually(lambda: kid_of(auth.token(tenant)) == new)
    assert auth.verify(old, tenant.host).status_code == 200, "signed before, good until it expires"
    database.run("UPDATE signing_keys SET verifies_until = now() WHERE kid = %s", kid_of(old))
    eventually(lambda: auth.verify(old, tenant.host).status_code == 401)
    assert kids(auth) == [new]


@pytest.mark.usefixtures("keys")
def test_a_leaked_key_ends_at_once(auth: Replica, other: Replica, tenant: Tenant, command: Command) -> None:
    tokens = auth.token(tenant), other.token(tenant)
    made = command("rotate-signing-key", "--at-once")
    new = made.stdout.strip()
    for running in (auth, other):
        eventually(lambda running=running: kids(running) == [new])
        for token in tokens:
            assert running.verify(token, tenant.host).status_code == 401
        assert running.verify(running.token(tenant), tenant.host).status_code == 200


def test_tokens_of_jwt_secret(auth: Replica, database: AuthDatabase, folder: Path, tenant: Tenant) -> None:
    """FC-058: HS256 where it is asked for, beside the published keys; nobody else takes such a token."""
    given = {"jwt_secret": "x" * 40, "token_algorithm": "HS256"}
    with replica(database, folder, **given) as running:
        token, es256 = running.token(tenant), auth.token(tenant)
        assert header_of(token) == {"alg": "HS256", "typ": "JWT", "kid": "jwt-secret"}
        assert running.verify(token, tenant.host).status_code == 200
        assert running.verify(es256, tenant.host).status_code == 200
        assert auth.verify(token, tenant.host).status_code == 401
        assert "jwt-secret" not in kids(running)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AUTH_SECRET", "short", "AUTH_SECRET: "),
        ("AUTH_DOMAIN", "not a name", "AUTH_DOMAIN: "),
        ("AUTH_TOKEN_ALGORITHM", "none", "AUTH_TOKEN_ALGORITHM: "),
        ("AUTH_PORT", "high", "AUTH_PORT: "),
        ("AUTH_TOKEN_ALGORITHM", "HS256", "needs jwt_secret"),
    ],
)
def test_wrong_settings_are_named(command: Command, variable: str, value: str, said: str) -> None:
    done = command("serve", **{variable: value})
    assert done.exit_code == 2
    assert said in done.stderr
    assert "short" not in done.stderr
    assert SECRET not in done.stderr


def test_secrets_may_be_files(database: AuthDatabase, tmp_path: Path, command: Command) -> None:
    (tmp_path / "auth_secret").write_text(SECRET)
    (tmp_path / "auth_database").write_text(database.conninfo)
    files = {"AUTH_SECRET": None, "AUTH_DATABASE": None, "AUTH_SECRETS_DIR": str(tmp_path)}
    done = command("register-tenants", "-", stdin="[]", **files)
    assert (done.exit_code, done.stdout) == (0, "0 tenants registered\n"), done.output


# Vectors whose labels are exchanged: 367 and 370 are one and the same well-formed token, rightly signed, and called
# invalid; 372 and 373 are that token with a question mark put into it, and called valid. RFC 7515, section 2, has
# base64url "with no line breaks, whitespace, or other additional characters".
EXCHANGED = {367, 370, 372, 373}
# Vectors whose key names another algorithm than their token, which they call valid: checked with the token's.
MISNAMED = {346: "PS384", 347: "ES512", 350: "PS384", 351: "ES512"}


@pytest.mark.skipif(WYCHEPROOF is None, reason="WYCHEPROOF_VECTORS names the folder testvectors_v1 of C2SP/wycheproof")
def test_wycheproof_json_web_signature(record_property: Any) -> None:
    results: Counter[str] = Counter()
    vectors = json.loads((Path(str(WYCHEPROOF)) / "json_web_signature_test.json").read_text())
    for group in vectors["testGroups"]:
        stated = dict(group.get("public", group["private"]))
        for test in group["tests"]:
            number = test["tcId"]
            key = {name: value for name, value in stated.items() if name != "alg" or number not in MISNAMED}
            try:
                # Keys that name no algorithm leave it to the token.
                algorithm = MISNAMED.get(number) or stated.get("alg") or header_of(test["jws"])["alg"]
                payload_of(test["jws"], JWKRegistry.import_key(key), algorithm)  # type: ignore[arg-type]
                accepted = True
            except (InvalidToken, JoseError, ValueError):  # or the key itself is refused
                accepted = False
            expected = (test["result"] == "valid") != (number in EXCHANGED)
            if test["result"] != "acceptable":
                assert accepted == expected, (number, group["comment"], test["comment"])
            results[test["result"]] += 1
    assert sum(results.values()) == vectors["numberOfTests"]
    record_property("vectors", dict(results))


@pytest.mark.skipif(WYCHEPROOF is None, reason="WYCHEPROOF_VECTORS names the folder testvectors_v1 of C2SP/wycheproof")
def test_wycheproof_hmac() -> None:
    checked = 0
    vectors = json.loads((Path(str(WYCHEPROOF)) / "hmac_sha256_test.json").read_text())
    for group in vectors["testGroups"]:
        for test in group["tests"]:
            key, message, tag = (bytes.fromhex(test[name]) for name in ("key", "msg", "tag"))
            found = hmac.digest(key, message, "sha256")[: group["tagSize"] // 8]
            assert hmac.compare_digest(found, tag) == (test["result"] == "valid"), test["tcId"]
            checked += 1
    assert checked == vectors["numberOfTests"]
