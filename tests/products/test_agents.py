"""agents.json and workflows.json by plan and by a tenant's customisation."""

from __future__ import annotations

import json
from typing import Any

import pytest

from models.product import ProductModule
from models.tenant import Tenant
from tests.products.conftest import runtime_of, tenant

STARTER_AGENTS = {  # FC-076
    "Seldon": "orchestrator",
    "Daneel": "builder",
    "Magnifico": "creative",
    "Gaal": "research",
    "Venabili": "project management",
}


def written(module: ProductModule, of: Tenant, file: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(runtime_of(module, of).config.files[file])
    return document


def test_starter_has_its_five_agents(module: ProductModule) -> None:
    found = written(module, tenant("starter"), "agents.json")
    assert {agent["name"]: agent["role"] for agent in found["agents"]} == STARTER_AGENTS
    assert all(agent["enabled"] for agent in found["agents"])
    assert (found["tenant"], found["tier"], found["limit"]) == ("acme", "starter", 5)


def test_pro_has_fourteen(module: ProductModule) -> None:  # FC-077
    found = written(module, tenant("pro"), "agents.json")
    assert len({agent["id"] for agent in found["agents"]}) == 14
    assert {agent["name"] for agent in found["agents"]} > set(STARTER_AGENTS)


def test_enterprise_customises_its_agents(module: ProductModule) -> None:  # FC-094
    customised = tenant(
        "enterprise",
        agents={
            "disabled": ["marketing"],
            "models": {"gaal": "gpt-4"},
            "tools": {"daneel": {"allow": ["browse"], "deny": ["write"]}},
            "custom": [
                {"id": "foreman", "role": "planning", "soul_path": "souls/foreman.md", "tools": {"allow": ["read"]}}
            ],
        },
    )
    found = {agent["id"]: agent for agent in written(module, customised, "agents.json")["agents"]}
    assert len(found) == 15
    assert not found["marketing"]["enabled"]
    assert found["seldon"]["enabled"]
    assert found["gaal"]["model"] == "gpt-4"
    assert "model" not in found["seldon"]
    assert found["daneel"]["tools"] == {"allow": ["browse"], "deny": ["write"]}
    assert found["foreman"] == {
        "id": "foreman",
        "name": "foreman",
        "role": "planning",
        "soulPath": "souls/foreman.md",
        "enabled": True,
        "custom": True,
        "tools": {"allow": ["read"], "deny": []},
    }


@pytest.mark.parametrize(("plan", "limit"), [("starter", 5), ("pro", None), ("enterprise", None)])
def test_workflows(module: ProductModule, plan: str, limit: int | None) -> None:  # FC-010 to FC-012
    found = written(module, tenant(plan), "workflows.json")
    assert found["limit"] == limit
    assert len(found["workflows"]) >= 5
    assert limit is None or len(found["workflows"]) == limit
    agents = {agent["id"] for agent in written(module, tenant(plan), "agents.json")["agents"]}
    for workflow in found["workflows"]:
        assert workflow["lead"] in workflow["agents"]
        assert set(workflow["agents"]) <= agents


@pytest.mark.parametrize("plan", ["starter", "pro", "enterprise"])
def test_the_same_tenant_gives_the_same_text(module: ProductModule, plan: str) -> None:
    first, second = (runtime_of(module, tenant(plan)).config for _ in range(2))
    assert first == second
    assert first.prefix == "agents-config"  # FC-080
    assert set(first.files) == {"agents.json", "workflows.json"}  # FC-080


def test_discord_settings_have_a_file(module: ProductModule) -> None:  # FC-103
    talking = tenant(integrations={"discord": {"guild_id": "1", "channel_id": "2"}})
    assert written(module, talking, "discord.json") == {"guild_id": "1", "channel_id": "2"}
