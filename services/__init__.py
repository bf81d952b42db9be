"""Services of the platform that run in the cluster."""
