"""Who began a cluster stays who began it, whoever takes the place later."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from provider.plugin import UNKNOWN
from tests.plugins.rpc import Plugin, foundation
from tests.provider.recorded import Recorded


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    with foundation() as running:
        running.configure({})
        yield running


@pytest.fixture
def founding(plugin: Plugin) -> Recorded:
    return Recorded(plugin, "foundation:hetzner:FoundingServer")


def test_it_is_remembered_until_the_cluster_is_gone(founding: Recorded) -> None:
    assert founding.plugin.preview(founding.token, {"server": "g2"})["founder"] == "g2"
    assert founding.up({"server": "g2"}) == "create"
    assert founding.made is not None
    assert founding.up({"server": "g3"}) == "same"
    assert founding.up({"server": "g3"}, refresh=True) == "same"
    assert founding.made.outputs["founder"] == "g2"
    founding.destroy()
    assert founding.up({"server": "g3"}) == "create"
    assert founding.made.outputs["founder"] == "g3"


@pytest.mark.parametrize("server", [UNKNOWN, "", None, 1])
def test_only_a_name_is_taken(founding: Recorded, server: object) -> None:
    assert "known beforehand" in founding.check({"server": server})["server"]
