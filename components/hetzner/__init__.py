"""The platform on Hetzner Cloud."""
