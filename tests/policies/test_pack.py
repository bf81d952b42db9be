"""The pack as the engine calls it: secrets arrive in clear, unknowns as sentinels."""

from __future__ import annotations

from typing import Any

import pytest
from google.protobuf import struct_pb2
from pulumi.runtime.proto import analyzer_pb2
from pulumi_policy import EnforcementLevel
from pulumi_policy.policy import _PolicyAnalyzerServicer

from policies.pack import policies
from policies.rules import ALL

UNKNOWN_ON_THE_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


@pytest.fixture(scope="module")
def analyzer() -> Any:
    # The pack's own constructor serves for ever; the servicer behind it is what the engine calls.
    return _PolicyAnalyzerServicer("foundation", "0.1.0", policies(), EnforcementLevel.MANDATORY)


def analyze(analyzer: Any, type_: str, properties: dict[str, Any]) -> list[Any]:
    struct = struct_pb2.Struct()
    struct.update(properties)
    request = analyzer_pb2.AnalyzeRequest(
        type=type_, properties=struct, urn=f"urn:pulumi:local::foundation::{type_}::x", name="x"
    )
    return list(analyzer.Analyze(request, None).diagnostics)


def test_every_rule_is_in_the_pack_and_mandatory() -> None:
    made = policies()
    assert {policy.name for policy in made} == {rule.name for rule in ALL}
    assert {policy.enforcement_level for policy in made} == {EnforcementLevel.MANDATORY}


def test_an_unknown_value_does_not_weaken_the_rule(analyzer: Any) -> None:
    pod = {
        "hostNetwork": True,
        "containers": [{"name": "c", "image": UNKNOWN_ON_THE_WIRE, "resources": UNKNOWN_ON_THE_WIRE}],
    }
    found = analyze(analyzer, "kubernetes:core/v1:Pod", {"spec": pod})
    restricted = [d for d in found if d.policyName == "pods-are-restricted"]
    assert "spec.hostNetwork must not be true" in "\n".join(d.message for d in restricted)
    assert {d.enforcementLevel for d in found} == {analyzer_pb2.MANDATORY}


def test_a_planted_secret_is_refused_and_not_shown(analyzer: Any) -> None:
    planted = "sk-ant-" + "planted0123456789"
    (found,) = analyze(analyzer, "kubernetes:core/v1:ConfigMap", {"data": {"agents.json": planted}})
    assert found.policyName == "no-secret-in-clear"
    assert "planted" not in str(found)


def test_what_is_right_passes(analyzer: Any) -> None:
    assert analyze(analyzer, "kubernetes:core/v1:ConfigMap", {"data": {"agents.json": "[]"}}) == []
