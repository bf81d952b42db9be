"""Comparing Kubernetes quantities."""

from __future__ import annotations

from models.loading.document import Document, Keys
from models.plan import Plan
from models.quantity import amount

__all__ = ["amount", "report_resources"]


def report_resources(document: Document, keys: Keys, plan: Plan) -> None:
    """Note where ``plan`` requests more than its own limit; ``keys`` lead to where the resources are given."""
    for resource in ("cpu", "memory"):
        request = getattr(plan.resources.requests, resource)
        limit = getattr(plan.resources.limits, resource)
        if amount(request) > amount(limit):
            given = "requests" if document.value((*keys, "requests")) is not None else "limits"
            message = f"{request} is more than the limit {limit} of {plan.name}"
            if given == "limits":
                message = f"{limit} is less than the request {request} of {plan.name}"
            document.report((*keys, given, resource), message, hint="a request is at most the limit", show=False)
