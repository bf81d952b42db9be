"""Stand-in for pulumi-postgresql: Database, Schema, Role, Grant, GrantRole, DefaultPrivileges and Extension.

Inputs, defaults, differences, replacements, ids, SQL and state are the published plugin's, so that either goes on
where the other stopped.
"""
