"""``python -m local.toolchain.plugins.postgresql``: what the engine runs as ``pulumi-resource-postgresql``."""

from local.toolchain.plugins.postgresql.plugin import PostgresqlPlugin
from provider.plugin import serve

serve(PostgresqlPlugin())
