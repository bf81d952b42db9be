"""What one tenant runs on."""
