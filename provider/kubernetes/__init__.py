"""What the provider does with clusters."""
