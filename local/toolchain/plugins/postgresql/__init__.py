"""Stand-in for pulumi-postgresql: Database, Schema, Role, Grant, GrantRole, DefaultPrivileges and Extension.

Inputs, defaults, differences, replacements, ids, SQL and state are the published plugin's, so that either goes on
where the other stopped. One thing is done better: an object that an interrupted update has left is taken over.
"""
