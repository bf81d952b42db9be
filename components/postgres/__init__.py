"""PostgreSQL: databases, schemas, roles and migrations of tenants."""
