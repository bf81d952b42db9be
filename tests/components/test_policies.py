"""The library's own program passes its own policy pack, in preview and in an update."""

from __future__ import annotations

import pytest

from policies.plain import Resource
from policies.rules import ALL, ResourceRule
from provider.plugin.values import reveal
from tests.components.monitor import Graph
from tests.components.samples import loaded, tenant
from tests.components.test_environment import build


def judged(graph: Graph) -> list[str]:
    resources = [
        Resource(found.type, found.name, found.urn, reveal(found.inputs), found.protect)
        for found in graph.resources.values()
        if found.custom
    ]
    complaints: list[str] = []
    for rule in ALL:
        if isinstance(rule, ResourceRule):
            complaints += [f"{rule.name}: {one.name}: {message}" for one in resources for message in rule.judge(one)]
        else:
            complaints += [f"{rule.name}: {found.urn}: {found.message}" for found in rule.judge(resources)]
    return complaints


@pytest.mark.parametrize("status", ["active", "suspended", "inactive", "deleted"])
def test_our_own_program_passes(status: str) -> None:
    graph = build(loaded(tenant("alice", status=status), tenant("bob", plan="starter")))
    assert judged(graph) == []
