"""What the front door asks of the world outside the cluster."""
