"""The resource types that the plugin says it has are there: they are imported only when they are asked for."""

from __future__ import annotations

import pytest

from provider.foundation import Foundation
from provider.plugin import ResourceType


@pytest.mark.parametrize("token", sorted(Foundation.types))
def test_is_there(token: str) -> None:
    assert isinstance(Foundation.types[token], ResourceType)
    assert Foundation.types[token] is Foundation.types[token]
