"""A highly available k3s cluster on Hetzner Cloud servers."""
