"""The register of tenants: no data is lost by an edit of files."""

from __future__ import annotations

import pulumi
import pulumi_random
import pytest

from components.tenant.registry import RegisteredTenant, Registry
from provider.plugin import UNKNOWN
from provider.tenancy.registry import offences
from tests.plugins.rpc import Plugin
from tests.provider.engine import Program, Project
from tests.provider.recorded import Recorded

ALICE = "6d1f7d2e-53a5-4f0b-9f3c-0d6a5a0f1c11"
BOB = "0b6f9d55-8f1e-4d8d-9d6b-4a4b1f3d7a22"
CHARLIE = "a3a7c1e4-2d2b-4c53-8a2e-5a9f1d6c3b33"


def tenant(identity: str, *, status: str = "active", final_backup: bool = False) -> RegisteredTenant:
    return {"id": identity, "plan": "pro", "status": status, "final_backup": final_backup}


def program(**tenants: RegisteredTenant) -> Program:
    """What depends on the register shows that nothing else happens when it refuses."""

    def run() -> None:
        registry = Registry("tenants", tenants=tenants)
        pulumi.export("tenants", registry.tenants)
        for slug in tenants:
            pulumi_random.RandomId(slug, byte_length=4, opts=pulumi.ResourceOptions(depends_on=registry))

    return run


def test_every_offence_is_named_before_anything_is_touched(project: Project) -> None:
    project.up(program(alice=tenant(ALICE), bob=tenant(BOB), charlie=tenant(CHARLIE)))
    before = project.resources()

    wanted = program(
        alicia=tenant(ALICE), charlie=tenant(BOB.replace("0b", "1c")), dora=tenant(BOB.replace("0b", "2d"))
    )
    for preview in (True, False):
        shown = project.failure(wanted, preview=preview)
        assert "a slug can't be renamed: tenant 'alice'" in shown
        assert "Call it 'alice' again" in shown
        assert "tenant 'bob' still has data: its file is gone. Put the file back, set `status: deleted`" in shown
        assert f"the id of tenant 'charlie' changed from {CHARLIE}" in shown
        assert project.resources() == before


@pytest.fixture
def registry(plugin: Plugin) -> Recorded:
    return Recorded(plugin, "foundation:tenancy:Registry")


def test_a_tenant_goes_after_its_final_backup(registry: Recorded) -> None:
    alice, bob = tenant(ALICE), tenant(BOB)
    assert registry.up({"tenants": {"alice": alice, "bob": bob}}) == "create"
    assert registry.up({"tenants": {"alice": alice, "bob": tenant(BOB, status="deleted")}}) == "update"
    assert "without a final backup" in registry.failure({"tenants": {"alice": alice}})
    # Taken back before the end: nothing was lost.
    assert registry.up({"tenants": {"alice": alice, "bob": bob}}) == "update"
    done = tenant(BOB, status="deleted", final_backup=True)
    assert registry.up({"tenants": {"alice": alice, "bob": done}}) == "update"
    assert registry.up({"tenants": {"alice": alice}}) == "update"
    assert registry.up({"tenants": {"alice": alice}}) == "same"


@pytest.mark.parametrize(
    ("before", "now", "count"),
    [
        ({}, {"alice": tenant(ALICE)}, 0),
        ({"alice": tenant(ALICE)}, {"alice": tenant(ALICE, status="suspended")}, 0),
        ({"alice": tenant(ALICE, status="deleted", final_backup=True)}, {}, 0),
        ({"alice": tenant(ALICE, status="active", final_backup=True)}, {}, 1),
        ({"alice": tenant(ALICE), "bob": tenant(BOB)}, {"alice": tenant(BOB), "bob": tenant(ALICE)}, 2),
        ({}, {"alice": tenant(ALICE), "bob": tenant(ALICE)}, 1),
    ],
)
def test_offences(before: dict[str, RegisteredTenant], now: dict[str, RegisteredTenant], count: int) -> None:
    assert len(offences(before, now)) == count


def test_malformed_tenants_are_named(registry: Recorded) -> None:
    assert registry.check({"tenants": {"alice": {**tenant(ALICE), "final_backup": "no"}}}).keys() == {
        "tenants.alice.final_backup"
    }
    assert registry.check({"tenants": UNKNOWN}).keys() == {"tenants"}
