"""Mistakes in a product's own files are named like those in a tenant's."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from models.loading import InvalidInput, load_product
from products.foundation_cloud.agents import load_templates

FOLDER = Path(__file__).parents[2] / "products/foundation_cloud"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    copy = tmp_path / "products" / "foundation_cloud"
    copy.mkdir(parents=True)
    for name in ("plans.yaml", "agents.yaml"):
        shutil.copy(FOLDER / name, copy)
    return copy


def edit(file: Path, old: str, new: str) -> int:
    """Replace the first ``old``; returns its line."""
    text = file.read_text()
    file.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: foundation-cloud", "name: foundation", "name: 'foundation' must be foundation-cloud, as its folder"),
        (
            "cpu: 250m",
            "cpu: 2500m",
            "plans.starter.resources.requests.cpu: 2500m is more than the limit 1000m",
        ),
        ("agents: 5", "agents: five", "plans.starter.limits.agents: 'five' must be a whole number"),
        (
            "pool: shared",
            "pool: share",
            "plans.starter.pool: 'share' is none of the possible values",
        ),
        ("key_model: pooled", "keymodel: pooled", "plans.starter.keymodel: is no field here; did you mean 'key_model'"),
        (
            "availability_percent: 99.5",
            "availability_percent: 995",
            "plans.starter.availability_percent: 995 must",
        ),
        ("min_replicas: 1", "min_replicas: 2", "plans.starter.scaling.min_replicas: 2 is more than max_replicas"),
        ("image_tag: v2.0", "image_tag: latest", "image_tag: 'latest' must be a fixed tag"),
        ("secret_keys: [discord_token, ", "secret_keys: [", "secret_keys: lacks discord_token, which the product uses"),
    ],
)
def test_mistake_in_plans(folder: Path, old: str, new: str, said: str) -> None:
    line = edit(folder / "plans.yaml", old, new)
    with pytest.raises(InvalidInput) as caught:
        load_product(folder)
    assert f"products/foundation_cloud/plans.yaml:{line}: {said}" in str(caught.value)


def test_mistake_in_agents(folder: Path) -> None:
    line = edit(folder / "agents.yaml", "agents: [gaal]", "agents: [gal]")
    with pytest.raises(InvalidInput) as caught:
        load_templates(folder / "agents.yaml")
    assert f"products/foundation_cloud/agents.yaml:{line}: workflows[3].agents[0]: 'gal' is no agent" in str(
        caught.value
    )


def test_good_files(folder: Path) -> None:
    assert load_product(folder).name == "foundation-cloud"
    assert len(load_templates(folder / "agents.yaml").agents) == 14
