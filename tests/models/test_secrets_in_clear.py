"""Secrets in clear are found wherever they stand in a file, and never said again."""

from __future__ import annotations

import pytest

from tests.models.conftest import SETTINGS, Folder, tenant

# In two parts each: the repository's own scanners must not take them for real ones.
PLANTED = {
    "an Anthropic key": "sk-ant-" + "api03-QwErTyUiOp1234567890",
    "an OpenAI key": "sk-" + "proj-QwErTyUiOp1234567890AbCd",
    "a Stripe key": "sk_live_" + "QwErTyUiOp1234567890AbCd",
    "a Stripe key (restricted)": "rk_live_" + "QwErTyUiOp1234567890AbCd",
    "a Stripe key (webhook)": "whsec_" + "QwErTyUiOp1234567890AbCd",
    "an API key of a tenant": "fc_live_" + "acme_0123456789abcdef0123456789abcdef",
    "a GitHub token": "ghp_" + "QwErTyUiOp1234567890AbCdEfGhIjKlMnOp",
    "an AWS access key": "AKIA" + "QWERTYUIOP123456",
    "a Slack token": "xoxb-" + "1234567890-QwErTyUiOp",
    "a Discord bot token": "MTIzNDU2Nzg5MDEyMzQ1Njc4" + ".GqWeRt.QwErTyUiOp1234567890AbCdEfGhIjKlMnOp",
    "a JSON Web Token": "eyJhbGciOiJIUzI1NiJ9" + ".eyJzdWIiOiIxMjM0NTY3ODkwIn0.QwErTyUiOp1234567890",
    "a password in a URL": "postgres://admin:" + "QwErTyUiOp@db.example.com/x",
    "a private key": "-----BEGIN EC " + "PRIVATE KEY-----",
    "a generated secret": "Zx81hQpL0aKf93Jd" + "kE7sWq2VbN",
    "a generated secret (hex)": "9f86d081884c7d65" + "9a2feaa0c55ad015",
}
PLACES = {
    "display_name": "display_name: {}",
    "slug": "slug: {}",
    "tool": "agents: {{tools: {{gaal: {{allow: [{0}], deny: [{0}]}}}}}}",
    "secret": "secrets: {{discord_token: {}}}",
    "unknown field": "note: {}",
    "list": "features: [{}]",
    "deep": "integrations: {{discord: {{guild_id: {}}}}}",
}
HINT = "take it out, treat it as known to others, and give a reference such as `{config: KEY}`"


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("kind", PLANTED)
def test_secret_is_found_and_hidden(folder: Folder, kind: str, place: str) -> None:
    name = place.partition(":")[0]
    text = "".join(line for line in tenant().splitlines(True) if not line.startswith(f"{name}:"))
    folder.tenant(text + place.format(f'"{PLANTED[kind]}"') + "\n")
    problems = "\n".join(folder.problems())
    assert f"bob.yaml:{text.count(chr(10)) + 1}: " in problems
    # In a field that holds secrets anyway, one without a shape of its own is just that.
    found = "a secret" if "generated" in kind and "secrets" in place else kind.partition(" (")[0]
    assert f"holds what looks like {found} in clear; {HINT}" in problems
    assert PLANTED[kind] not in problems
    assert PLANTED[kind][8:24] not in problems


KNOWN = {kind: secret for kind, secret in PLANTED.items() if "generated" not in kind}


@pytest.mark.parametrize("kind", KNOWN)
def test_known_secret_is_found_in_a_comment(folder: Folder, kind: str) -> None:
    folder.tenant(tenant() + f"# was: {KNOWN[kind]}\n")
    [problem] = folder.problems()
    assert problem == f"tenants/local/bob.yaml:8: holds what looks like {kind.partition(' (')[0]} in clear; {HINT}"


@pytest.mark.parametrize("kind", KNOWN)
def test_known_secret_is_hidden_where_it_is_a_key_or_breaks_the_file(folder: Folder, kind: str) -> None:
    secret = KNOWN[kind]
    folder.tenant(tenant() + f'"{secret}": x\n', "bob")
    folder.tenant(tenant("alice", number=1) + f"region: *{secret}\n", "alice")
    folder.tenant(tenant("carol", number=3) + f"region: !{secret} x\n", "carol")
    problems = "\n".join(folder.problems())
    assert "bob.yaml:8: holds what looks like" in problems
    assert secret not in problems
    assert secret[8:24] not in problems


@pytest.mark.parametrize("name", ["password", "db_password", "bot_token", "api_key", "client_secret", "private-key"])
def test_text_in_a_field_named_like_a_secret(folder: Folder, name: str) -> None:
    folder.tenant(tenant() + f"{name}: hunter2\n")
    problems = "\n".join(folder.problems())
    assert f"bob.yaml:8: {name}: holds what looks like a secret in clear; {HINT}" in problems
    assert "hunter2" not in problems


@pytest.mark.parametrize(
    "harmless",
    [
        "image_tag: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "display_name: The Quick Brown Fox and 14 Others of 2026",
        "integrations: {discord: {guild_id: '112233445566778899'}}",
        "domains: [a-rather-long-name-of-a-host.with-parts-2026.example.com]",
        "features: [custom-domains, ip-allow-list]",
    ],
)
def test_what_is_no_secret(folder: Folder, harmless: str) -> None:
    name = harmless.partition(":")[0]
    lines = [line for line in tenant().splitlines() if not line.startswith(f"{name}:")]
    folder.tenant("\n".join([*lines, harmless, ""]))
    assert len(folder.load().tenants) == 1


def test_encrypted_configuration_is_no_secret_in_clear(folder: Folder) -> None:
    folder.settings(SETTINGS + "  foundation:api_key:\n    secure: v1:QwErTyUiOp123456:7890AbCdEfGhIjKlMnOp==\n")
    assert folder.load().tenants == ()


def test_configuration_in_clear(folder: Folder) -> None:
    text = SETTINGS.replace("shared_discord_token: {generate: 48}", "shared_discord_token: {config: bot}")
    folder.settings(text + "  foundation:bot: hunter2\n")
    problems = "\n".join(folder.problems())
    assert "Pulumi.local.yaml:16: config.foundation:bot: is a secret that stands in clear" in problems
    assert "set it by `pulumi config set --secret bot`" in problems
    assert "hunter2" not in problems
