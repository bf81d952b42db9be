"""A tenant's schema under forced row-level security and its role, in a database that many tenants share.

Both providers take the server from libpq's variables: PGHOST, PGPORT, PGUSER, PGPASSWORD, PGSSLMODE.
"""

import pulumi
from pulumi_random import RandomPassword

from components.identity import TenantIdentity
from components.postgres.platform import DatabasePlatform, DatabasePlatformArgs
from components.postgres.tenant import TenantDatabase, TenantDatabaseArgs

TASKS = """
CREATE TABLE tasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    tenant_id uuid NOT NULL DEFAULT current_setting('app.current_tenant')::uuid,
    name text NOT NULL
);
"""

platform = DatabasePlatform(
    "postgres", DatabasePlatformArgs(database="example", auth_database="example_auth", auth_extensions=())
)
acme = TenantDatabase(
    "acme",
    TenantDatabaseArgs(
        tenant=TenantIdentity(slug="acme", id="5a3c1f6e-8f4f-4f0e-9d3a-0d6c3f1b2a4e", tier="pro", product="hello"),
        database=platform.database,
        owner=platform.owner,
        tenants=platform.tenants,
        password=RandomPassword("acme", length=32, special=False).result,
        migrations=[{"version": 1, "name": "01-tasks.sql", "sql": TASKS}],
        # Without this, `pulumi destroy` refuses to drop a schema that has tables.
        drop_with_data=True,
    ),
)
pulumi.export("schema", acme.schema)
pulumi.export("role", acme.role)
