"""The tenant's ``agents.json`` and ``workflows.json``, by plan and customisation (FC-080, FC-094, FC-095)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from models.base import Model
from models.loading.document import read
from models.loading.problems import InvalidInput, nearest
from models.loading.validate import validate
from models.plan import Plan
from models.product import Finding
from models.tenant import Tenant, Tools

Json = dict[str, Any]
Template = TypeVar("Template")


class AgentTemplate(Model):
    """An agent that the product brings."""

    id: str
    name: str
    role: str


class WorkflowTemplate(Model):
    """A workflow that the product brings; the first agent leads it."""

    id: str
    name: str
    agents: tuple[str, ...]


class Templates(Model):
    """Agents and workflows in the order in which plans get them."""

    agents: tuple[AgentTemplate, ...]
    workflows: tuple[WorkflowTemplate, ...]


def load_templates(path: Path) -> Templates:
    """The templates in ``path``. Raises InvalidInput with every problem."""
    document = read(path, base=path.parents[2])
    templates = validate(Templates, document)
    if templates is not None:
        known = [agent.id for agent in templates.agents]
        for index, workflow in enumerate(templates.workflows):
            for at, agent in enumerate(workflow.agents):
                if agent not in known:
                    document.report(("workflows", index, "agents", at), "is no agent", hint=nearest(agent, known))
    if templates is None or document.problems:
        raise InvalidInput(document.problems)
    return templates


def files(templates: Templates, tenant: Tenant, plan: Plan) -> dict[str, str]:
    """Text by file name; the same tenant and plan always give the same text."""
    texts = {"agents.json": agents(templates, tenant, plan), "workflows.json": workflows(templates, tenant, plan)}
    discord = tenant.integrations.discord.model_dump(exclude_none=True)
    if discord:
        texts["discord.json"] = discord  # FC-103
    return {name: json.dumps(text, indent=2, ensure_ascii=False) + "\n" for name, text in texts.items()}


def agents(templates: Templates, tenant: Tenant, plan: Plan) -> Json:
    """What ``agents.json`` holds: the plan's agents, and on Enterprise the tenant's changes and own agents."""
    custom = tenant.agents if plan.custom_agents else type(tenant.agents)()
    entries: list[Json] = []
    for agent in _first(templates.agents, plan.limits.agents):
        entry: Json = {
            "id": agent.id,
            "name": agent.name,
            "role": agent.role,
            "soulPath": f"souls/{agent.id}.md",
            "enabled": agent.id not in custom.disabled,
        }
        entries.append(entry | _choices(custom.models.get(agent.id), custom.tools.get(agent.id)))
    for own in custom.custom:
        entry = {
            "id": own.id,
            "name": own.id,
            "role": own.role,
            "soulPath": own.soul_path,
            "enabled": own.id not in custom.disabled,
            "custom": True,
        }
        entries.append(entry | _choices(own.model, own.tools))
    return {"tenant": tenant.slug, "tier": plan.name, "limit": plan.limits.agents, "agents": entries}


def workflows(templates: Templates, tenant: Tenant, plan: Plan) -> Json:
    """What ``workflows.json`` holds: the plan's templates; ``limit`` null lets the tenant add as many as it likes."""
    available = {agent.id for agent in _first(templates.agents, plan.limits.agents)}
    return {
        "tenant": tenant.slug,
        "tier": plan.name,
        "limit": plan.limits.workflows,
        "workflows": [
            {"id": workflow.id, "name": workflow.name, "lead": workflow.agents[0], "agents": list(workflow.agents)}
            for workflow in _first(templates.workflows, plan.limits.workflows)
            if available.issuperset(workflow.agents)
        ],
    }


def check(templates: Templates, tenant: Tenant, plan: Plan) -> tuple[Finding, ...]:
    """What is wrong in a tenant's customisation of agents, beyond the rules of FC-096 to FC-098."""
    return tuple(_findings(templates, tenant))


def _findings(templates: Templates, tenant: Tenant) -> Iterator[Finding]:
    ours = [agent.id for agent in templates.agents]
    known = list(ours)
    for index, own in enumerate(tenant.agents.custom):
        if own.id in known:
            yield Finding(("agents", "custom", index, "id"), "is the id of another agent", "choose one that is free")
        known.append(own.id)
    for index, disabled in enumerate(tenant.agents.disabled):
        if disabled not in known:
            yield Finding(("agents", "disabled", index), "is no agent", nearest(disabled, known))
    for field, named in (("models", tenant.agents.models), ("tools", tenant.agents.tools)):
        for agent in named:
            if agent not in ours:
                # A custom agent says it itself, where FC-098 is checked.
                hint = "say it where the agent is defined" if agent in known else nearest(agent, ours)
                yield Finding(("agents", field, agent), "is no agent of the product", hint, show=False)
    for agent, tools in tenant.agents.tools.items():
        for tool in sorted(set(tools.allow) & set(tools.deny)):
            yield Finding(("agents", "tools", agent), f"allows and denies {tool!r}", "choose one")


def _choices(model: str | None, tools: Tools | None) -> Json:
    chosen: Json = {} if model is None else {"model": model}
    if tools is not None and (tools.allow or tools.deny):
        chosen["tools"] = {"allow": list(tools.allow), "deny": list(tools.deny)}
    return chosen


def _first(templates: Sequence[Template], limit: int | None) -> Sequence[Template]:
    return templates if limit is None else templates[:limit]
