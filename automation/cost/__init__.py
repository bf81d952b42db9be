"""What an environment costs and earns, from its files and the one price file: no network, no state."""
