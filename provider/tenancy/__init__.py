"""What our provider keeps of tenants."""
