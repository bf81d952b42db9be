"""The pack itself: rules as the policy SDK wants them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)

from policies.plain import Resource, plain
from policies.rules import ALL, ResourceRule, StackRule

Report = Callable[..., None]


def resource_of(args: Any) -> Resource:
    """A resource of the policy SDK as plain data."""
    protect = args.opts is not None and bool(args.opts.protect)
    return Resource(args.resource_type, args.name, args.urn, plain(args.props), protect)


def _resource_policy(rule: ResourceRule) -> Policy:
    def validate(args: ResourceValidationArgs, report: Report) -> None:
        for message in rule.judge(resource_of(args)):
            report(f"{args.name}: {message}")

    return ResourceValidationPolicy(rule.name, rule.description, validate, EnforcementLevel.MANDATORY)


def _stack_policy(rule: StackRule) -> Policy:
    def validate(args: StackValidationArgs, report: Report) -> None:
        for violation in rule.judge([resource_of(resource) for resource in args.resources]):
            report(violation.message, violation.urn)

    return StackValidationPolicy(rule.name, rule.description, validate, EnforcementLevel.MANDATORY)


def policies() -> list[Policy]:
    """All rules, each mandatory."""
    return [_resource_policy(rule) if isinstance(rule, ResourceRule) else _stack_policy(rule) for rule in ALL]


def pack() -> PolicyPack:
    """Makes and serves the pack: it returns only when the engine ends it."""
    return PolicyPack("foundation", policies(), enforcement_level=EnforcementLevel.MANDATORY)
