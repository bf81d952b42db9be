"""RandomId, RandomBytes and RandomUuid: random bytes in several spellings."""

from __future__ import annotations

import base64
import secrets
from uuid import UUID

from local.toolchain.plugins.random.resource import KEEPERS, Attribute, RandomResource
from provider.plugin import Properties


class RandomId(RandomResource):
    """Bytes with an optional prefix; the id is their URL-safe base64 without padding."""

    attributes = {
        "keepers": KEEPERS,
        "byteLength": Attribute(int, required=True),
        "prefix": Attribute(str),
    }
    results = ("b64Url", "b64Std", "hex", "dec")

    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        return _spellings(secrets.token_bytes(inputs["byteLength"]), inputs.get("prefix", ""))

    def adopt(self, resource_id: str) -> tuple[str, Properties, Properties]:
        prefix, _, text = resource_id.rpartition(",")
        value = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        inputs: Properties = {"byteLength": len(value)} | ({"prefix": prefix} if prefix else {})
        return text, inputs, _spellings(value, prefix)[1]


class RandomBytes(RandomResource):
    """Secret bytes; the id is their base64, which the published plugin shows in clear too."""

    attributes = {"keepers": KEEPERS, "length": Attribute(int, required=True, least=1)}
    results = ("base64", "hex")
    secret = results
    shows_id = False

    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        value = secrets.token_bytes(inputs["length"])
        text = base64.b64encode(value).decode()
        return text, {"base64": text, "hex": value.hex()}

    def adopt(self, resource_id: str) -> tuple[str, Properties, Properties]:
        value = base64.b64decode(resource_id, validate=True)
        return resource_id, {"length": len(value)}, {"base64": resource_id, "hex": value.hex()}


class RandomUuid(RandomResource):
    """A UUID of random bytes, as the published plugin draws it: no version bits are set."""

    attributes = {"keepers": KEEPERS}
    results = ("result",)

    def draw(self, inputs: Properties) -> tuple[str, Properties]:
        value = str(UUID(bytes=secrets.token_bytes(16)))
        return value, {"result": value}

    def adopt(self, resource_id: str) -> tuple[str, Properties, Properties]:
        value = str(UUID(resource_id))
        return value, {}, {"result": value}


def _spellings(value: bytes, prefix: str) -> tuple[str, Properties]:
    url = base64.urlsafe_b64encode(value).decode().rstrip("=")
    return url, {
        "b64Url": prefix + url,
        "b64Std": prefix + base64.b64encode(value).decode(),
        "hex": prefix + value.hex(),
        "dec": f"{prefix}{int.from_bytes(value)}",
    }
