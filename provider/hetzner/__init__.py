"""What Hetzner's own provider doesn't decide: addresses by name, and server types by availability."""
