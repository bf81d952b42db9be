"""Row-level security of a tenant's schema: forced on every table, pinned to the tenant that owns the schema."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from psycopg import sql

from provider.plugin import PluginError, Properties
from provider.postgres.server import Connection, identifier, statement

# Shows the rows of the session's tenant.
ISOLATION = "tenant_isolation"
# Shows nothing but rows of the schema's own tenant, whatever the session says it is.
PINNED = "tenant_pinned"


@dataclass(frozen=True)
class RowLevelSecurity:
    """How the rows of a schema belong to its tenant.

    ``column`` holds each row's tenant, ``setting`` says whose session it is, ``tenant`` owns the schema, and
    ``roles`` are those whose sessions may see rows at all (what they may do with them is a matter of grants).
    """

    column: str
    setting: str
    tenant: UUID
    roles: tuple[str, ...]

    @classmethod
    def from_properties(cls, properties: Properties, owner: str) -> RowLevelSecurity:
        """``owner`` sees rows too: its migrations change them."""
        return cls(
            column=properties["column"],
            setting=properties["setting"],
            tenant=UUID(properties["tenantId"]),
            roles=tuple(sorted({owner, *properties["roles"]})),
        )

    def enforce(self, connection: Connection, schema: str) -> None:
        """Puts every table of ``schema`` under both policies.

        Raises :class:`PluginError` naming each table without a proper tenant column and each view that runs with
        its owner's rights.
        """
        misfits = [*self._tables_without_tenant(connection, schema), *_views_of_owner(connection, schema)]
        if misfits:
            raise PluginError(f"schema {schema}: " + "; ".join(misfits))
        for table in self.unprotected(connection, schema):
            self._protect(connection, identifier(schema, table))

    def unprotected(self, connection: Connection, schema: str) -> list[str]:
        """Tables of ``schema`` that aren't under exactly these policies, by name."""
        tables = connection.execute(
            """
            SELECT c.oid, c.relname, c.relrowsecurity AND c.relforcerowsecurity
              FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
             WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
             ORDER BY c.relname
            """,
            (schema,),
        ).fetchall()
        if not tables:
            return []
        expected = self._expected(connection)
        return [name for oid, name, forced in tables if not forced or _policies(connection, oid) != expected]

    def _expected(self, connection: Connection) -> list[tuple[object, ...]]:
        """The policies as the server shows them: versions of it print the same expression differently, so they
        are made on a table of our own and read back."""
        with connection.transaction(force_rollback=True):
            probe = identifier("pg_temp", "foundation_probe")
            connection.execute(
                statement("CREATE TABLE {table} ({column} uuid)", table=probe, column=identifier(self.column))
            )
            self._protect(connection, probe)
            row = connection.execute("SELECT 'pg_temp.foundation_probe'::regclass::oid").fetchone()
            assert row is not None
            return _policies(connection, row[0])

    def _protect(self, connection: Connection, table: sql.Composable) -> None:
        roles = sql.SQL(", ").join(identifier(role) for role in self.roles)
        column, setting, tenant = identifier(self.column), sql.Literal(self.setting), sql.Literal(str(self.tenant))
        # In a SELECT of its own the setting is read once a query, not once a row. Never set, it shows nothing; set to
        # what is no UUID (empty, say), it is an error. A form that shows nothing then as well is beyond pgrls' prover.
        session = statement(
            "{column} = (SELECT current_setting({setting}, true)::uuid)", column=column, setting=setting
        )
        owned = statement("{column} = {tenant}::uuid", column=column, tenant=tenant)
        for step in (
            statement("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY", table=table),
            statement("DROP POLICY IF EXISTS {policy} ON {table}", policy=identifier(ISOLATION), table=table),
            statement("DROP POLICY IF EXISTS {policy} ON {table}", policy=identifier(PINNED), table=table),
            statement(
                "CREATE POLICY {policy} ON {table} TO {roles} USING ({rows}) WITH CHECK ({rows})",
                policy=identifier(ISOLATION),
                table=table,
                roles=roles,
                rows=session,
            ),
            statement(
                "CREATE POLICY {policy} ON {table} AS RESTRICTIVE USING ({rows}) WITH CHECK ({rows})",
                policy=identifier(PINNED),
                table=table,
                rows=owned,
            ),
        ):
            connection.execute(step)

    def _tables_without_tenant(self, connection: Connection, schema: str) -> list[str]:
        rows = connection.execute(
            """
            SELECT c.relname
              FROM pg_class c
              JOIN pg_namespace n ON n.oid = c.relnamespace
              LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = %s AND NOT a.attisdropped
             WHERE n.nspname = %s AND c.relkind IN ('r', 'p')
               AND (a.attname IS NULL OR a.atttypid <> 'uuid'::regtype OR NOT a.attnotnull OR NOT a.atthasdef)
             ORDER BY c.relname
            """,
            (self.column, schema),
        ).fetchall()
        return [
            f"table {table} needs the column `{self.column} uuid NOT NULL DEFAULT "
            f"(current_setting('{self.setting}'))::uuid`"
            for (table,) in rows
        ]


def _views_of_owner(connection: Connection, schema: str) -> list[str]:
    rows = connection.execute(
        """
        SELECT c.relname
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = %s AND c.relkind = 'v'
           AND NOT EXISTS (SELECT FROM pg_options_to_table(c.reloptions)
                            WHERE option_name = 'security_invoker' AND option_value::boolean)
         ORDER BY c.relname
        """,
        (schema,),
    ).fetchall()
    return [
        f"view {view} runs with its owner's rights, past row-level security: create it WITH (security_invoker = "
        "true, security_barrier = true)"
        for (view,) in rows
    ]


def _policies(connection: Connection, table: int) -> list[tuple[object, ...]]:
    return connection.execute(
        """
        SELECT polname, polcmd, polpermissive,
               ARRAY(SELECT coalesce(rolname, 'public') FROM unnest(polroles) member
                       LEFT JOIN pg_roles ON oid = member ORDER BY 1),
               pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)
          FROM pg_policy WHERE polrelid = %s AND polname IN (%s, %s) ORDER BY polname
        """,
        (table, ISOLATION, PINNED),
    ).fetchall()
