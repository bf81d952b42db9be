"""``python -m local.toolchain.plugins.random``: what the engine runs as ``pulumi-resource-random``."""

from local.toolchain.plugins.random.plugin import RandomPlugin
from provider.plugin import serve

serve(RandomPlugin())
