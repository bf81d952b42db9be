"""Each mistake in a tenant's file is named with file, line, field and what would be right."""

from __future__ import annotations

import pytest

from tests.models.conftest import ENTERPRISE, Folder, tenant

FILE = "tenants/local/bob.yaml"
GOOD = tenant()
STARTER = tenant(plan="starter")


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


FIELDS = {
    "unknown field": (changed("plan: pro", "pln: pro"), 6, "pln: is no field here; did you mean 'plan'?"),
    "unknown field below": (
        GOOD + "integrations:\n  discord:\n    gild_id: x\n",
        10,
        "integrations.discord.gild_id: is no field here; did you mean 'guild_id'? (channel_id, guild_id)",
    ),
    "missing field": (changed("plan: pro\n", ""), 1, "plan: is missing: a plan of the product"),
    "missing field below": (
        GOOD + "overrides:\n  requests:\n    cpu: 100m\n",
        9,
        "overrides.requests.memory: is missing: bytes, such as 512Mi",
    ),
    "number for text": (changed(": Bob", ": 5"), 5, "display_name: 5 must be text; put it in quotes"),
    "text for number": (
        GOOD + 'overrides: {max_replicas: "5"}\n',
        8,
        "overrides.max_replicas: '5' must be a whole number",
    ),
    "fraction for number": (
        GOOD + "overrides: {max_replicas: 1.5}\n",
        8,
        "overrides.max_replicas: 1.5 must be a whole number",
    ),
    "zero": (GOOD + "overrides: {max_replicas: 0}\n", 8, "overrides.max_replicas: 0 must be greater than 0"),
    "long text": (
        changed(": Bob", ": " + "x " * 55),
        5,
        f"display_name: '{'x ' * 28}x...' must have at most 100 characters",
    ),
    "text for list": (GOOD + "domains: a.example.com\n", 8, "domains: 'a.example.com' must be a list"),
    "list for mapping": (GOOD + "agents: []\n", 8, "agents: must hold fields such as `name: value`"),
    "nothing": (
        changed("name: Bob", "name:"),
        5,
        "display_name: is empty; it must be text; remove the line or give a value",
    ),
    "id": (
        changed("id: 5b", "id: xx"),
        4,
        "id: 'xx0b7d5e-6c1b-4a53-9c39-0d6a4f3d1a02' must be a UUID such as 123e4567-e89b-42d3-a456-426614174000",
    ),
    "e-mail": (changed("bob@", "bob at "), 7, "admin_email: 'bob at example.com' must be an e-mail address"),
    "quantity": (
        GOOD + "overrides:\n  requests: {cpu: 100mb, memory: 1Gi}\n",
        9,
        "overrides.requests.cpu: '100mb' must be a number with an optional suffix, such as 250m, 2, 512Mi or 4Gi"
        " (a Kubernetes quantity)",
    ),
    "status": (
        GOOD + "status: actve\n",
        8,
        "status: 'actve' is none of the possible values; did you mean 'active'?"
        " (provisioning, active, suspended, inactive, deleted, failed)",
    ),
    "version of the format": (
        changed("foundation/v1", "foundation/v2"),
        1,
        "api_version: 'foundation/v2' is none of the possible values; did you mean 'foundation/v1'? (foundation/v1)",
    ),
    "moving tag": (
        GOOD + "image_tag: latest\n",
        8,
        "image_tag: 'latest' must be a fixed tag such as v2.0: what 'latest' means changes without a change here",
    ),
    "domain in upper case": (
        GOOD + "domains:\n  - good.example.com\n  - Bad.example.com\n",
        10,
        "domains[1]: 'Bad.example.com' must be a DNS name in lower case, such as shop.example.com",
    ),
    "address for domain": (
        GOOD + "domains: [192.0.2.1]\n",
        8,
        "domains[0]: '192.0.2.1' is no host of a tenant; it needs a name such as shop.example.com",
    ),
    "reserved slug": (
        changed("slug: bob", "slug: admin"),
        3,
        "slug: 'admin' is reserved for the platform (admin, api, app, auth, www)",
    ),
    "short slug": (
        changed("slug: bob", "slug: b_"),
        3,
        "slug: 'b_' must have 3 to 32 characters of a-z, 0-9 and hyphen, start with a letter and not end with a hyphen",
    ),
    "slug of PostgreSQL's": (
        changed("slug: bob", "slug: pg-bob"),
        3,
        "slug: 'pg-bob' can't start with 'pg-': PostgreSQL reserves the role names that follow from it",
    ),
    "slug of another file": (
        changed("slug: bob", "slug: rob"),
        3,
        "slug: 'rob' must be the file's name, 'bob'; or rename the file: rob.yaml",
    ),
    "reference of two": (
        GOOD + "secrets: {anthropic_key: {config: a, generate: 20}}\n",
        8,
        "secrets.anthropic_key: give either `config: KEY` or `generate: LENGTH`",
    ),
}

PLAN = {
    "plan": (
        changed("plan: pro", "plan: prro"),
        6,
        "plan: 'prro' is no plan of foundation-cloud; did you mean 'pro'? (starter, pro, enterprise)",
    ),
    "product": (
        changed("foundation-cloud", "foundation-clod"),
        2,
        "product: 'foundation-clod' is no product of this environment; did you mean 'foundation-cloud'?"
        " (foundation-cloud)",
    ),
    "no rate limit by contract": (
        tenant(plan="enterprise") + "secrets: {anthropic_key: {config: bob}}\n",
        1,
        "overrides.requests_per_minute: is missing: on enterprise the rate limit is by contract;"
        " give the number of requests a minute",
    ),
    "no own key": (
        tenant(plan="enterprise") + "overrides: {requests_per_minute: 900}\n",
        1,
        "secrets.anthropic_key: is missing: enterprise always brings its own key;"
        " give a reference such as `{config: KEY}`",
    ),
    "own key": (
        STARTER + "secrets:\n  anthropic_key: {config: bob}\n",
        9,
        "secrets.anthropic_key: starter uses the platform's key; remove it; an own key is for: pro, enterprise",
    ),
    "unknown secret": (
        GOOD + "secrets: {antropic_key: {config: bob}}\n",
        8,
        "secrets.antropic_key: is no secret of foundation-cloud; did you mean 'anthropic_key'?"
        " (discord_token, anthropic_key)",
    ),
    "custom domain": (
        STARTER + "domains: [bob.example.com]\n",
        8,
        "domains: can't be set on starter; custom domains are for: pro, enterprise",
    ),
    "feature": (
        GOOD + "features: [custom-domain]\n",
        8,
        "features[0]: 'custom-domain' is no feature of foundation-cloud; did you mean 'custom-domains'?"
        " (custom-domains, ip-allow-list)",
    ),
    "request above the limit": (
        GOOD + "overrides:\n  requests:\n    cpu: 2500m\n    memory: 4096Mi\n",
        10,
        "overrides.requests.cpu: 2500m is more than the limit 2000m of pro; a request is at most the limit",
    ),
    "limit below the request": (
        GOOD + "overrides: {limits: {cpu: '1', memory: 1G}}\n",
        8,
        "overrides.limits.memory: 1G is less than the request 1Gi of pro; a request is at most the limit",
    ),
    "backup of the living": (
        GOOD + f"final_backup: {{taken_at: 2026-11-21T12:00:00Z, location: there, sha256: '{'0' * 64}'}}\n",
        8,
        "final_backup: is only for deleted tenants; this one is active; set `status: deleted` first, or remove the"
        " field",
    ),
    "backup without time zone": (
        GOOD
        + "status: deleted\n"
        + f"final_backup: {{taken_at: 2026-11-21T12:00:00, location: there, sha256: '{'0' * 64}'}}\n",
        9,
        "final_backup.taken_at: must name its time zone; end it with Z for UTC",
    ),
    "region": (GOOD + "region: fsn1\n", 8, "region: 'fsn1' is no region for local; use one of: local"),
}

AGENTS = {
    "FC-096": (
        GOOD + "agents:\n  custom:\n    - {id: mine, role: helper, soul_path: mine.md}\n",
        10,
        "agents.custom[0]: Custom agents only available on Enterprise tier",
    ),
    "FC-097": (
        ENTERPRISE + "agents:\n  custom:\n    - {id: mine, role: helper}\n",
        12,
        "agents.custom[0]: Agent must have role and soulPath",
    ),
    **{
        f"FC-098 {tool}": (
            ENTERPRISE
            + "agents:\n  custom:\n"
            + f"    - {{id: mine, role: helper, soul_path: mine.md, tools: {{allow: [read, {tool}]}}}}\n",
            12,
            "agents.custom[0]: Dangerous tools require security review",
        )
        for tool in ("exec", "ssh", "deploy")
    },
    "changed agents": (
        GOOD + "agents: {models: {gaal: gpt-4}}\n",
        8,
        "agents.models: can't be set on pro; it is for: enterprise",
    ),
    "unknown agent": (
        ENTERPRISE + "agents: {disabled: [gal]}\n",
        10,
        "agents.disabled[0]: 'gal' is no agent; did you mean 'gaal'?",
    ),
    "taken id": (
        ENTERPRISE + "agents: {custom: [{id: gaal, role: helper, soul_path: mine.md}]}\n",
        10,
        "agents.custom[0].id: 'gaal' is the id of another agent; choose one that is free",
    ),
    "tools of a custom agent elsewhere": (
        ENTERPRISE
        + "agents:\n  custom: [{id: mine, role: helper, soul_path: mine.md}]\n  tools: {mine: {allow: [exec]}}\n",
        12,
        "agents.tools.mine: is no agent of the product; say it where the agent is defined",
    ),
    "tool allowed and denied": (
        ENTERPRISE + "agents: {tools: {gaal: {allow: [read], deny: [read]}}}\n",
        10,
        "agents.tools.gaal: allows and denies 'read'; choose one",
    ),
}

SYNTAX = {
    "tab": (GOOD + "overrides:\n\tmax_replicas: 1\n", 9, "is indented by a tab; indent by spaces"),
    "key given twice": (
        changed("plan: pro", "plan: pro\nplan: pro"),
        7,
        "plan: is given twice; the first is in line 6",
    ),
    "key given twice below": (
        GOOD + "overrides:\n  max_replicas: 1\n  max_replicas: 2\n",
        10,
        "overrides.max_replicas: is given twice; the first is in line 9",
    ),
    "open quote": (GOOD + 'region: "local\n', 9, "is no YAML: found unexpected end of stream"),
    "two colons": (GOOD + "region: a: b\n", 8, "is no YAML: mapping values are not allowed here"),
    "tag": (GOOD + "region: !env X\n", 8, "is no YAML: could not determine a constructor for the tag '!env'"),
    "alias": (
        GOOD + "domains: &them [a.example.com]\nfeatures: *them\n",
        9,
        "features: is an alias (`*name`); write the value out",
    ),
    "key that is a number": (GOOD + "1: x\n", 8, "holds a key that is not text; put it in quotes"),
    "two documents": (GOOD + "---\na: b\n", 8, "holds a second document; write one document to a file, without `---`"),
    "empty": ("# nothing yet\n", 1, "is empty; it must hold fields such as `name: value`"),
    "text": ("bob\n", 1, "must hold fields such as `name: value`"),
    "control character": ("slug: \a\n", 1, "is no YAML: holds a character that YAML doesn't allow"),
}


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [pytest.param(*case, id=name) for table in (FIELDS, PLAN, AGENTS, SYNTAX) for name, case in table.items()],
)
def test_mistake_is_named(folder: Folder, text: str, line: int, said: str) -> None:
    folder.tenant(text)
    assert f"{FILE}:{line}: {said}" in folder.problems()


@pytest.mark.parametrize("text", [GOOD, STARTER, ENTERPRISE])
def test_good_file_has_no_problem(folder: Folder, text: str) -> None:
    folder.tenant(text)
    assert [tenant.slug for tenant in folder.load().tenants] == ["bob"]


@pytest.mark.parametrize("status", ["provisioning", "active", "suspended", "inactive", "deleted", "failed"])
def test_every_status_of_fc_270_is_accepted(folder: Folder, status: str) -> None:
    folder.tenant(GOOD + f"status: {status}\n")
    assert folder.load().tenants[0].status == status


def test_yaml_is_version_1_2(folder: Folder) -> None:
    folder.tenant(changed("name: Bob", "name: no"))
    assert folder.load().tenants[0].display_name == "no"


def test_file_that_is_not_utf_8(folder: Folder) -> None:
    (folder.tenants() / "bob.yaml").write_bytes(GOOD.encode() + "display_name: Bøb\n".encode("latin-1"))
    assert folder.problems() == [f"{FILE}:8: is not UTF-8 text; save it as UTF-8"]
