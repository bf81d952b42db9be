"""What our provider does in PostgreSQL."""
