"""The sandbox's PostgreSQL: a real server from the package index, with no package of the system and no root needed."""
