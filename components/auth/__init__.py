"""The auth service: its part of auth_db, and its pods."""
