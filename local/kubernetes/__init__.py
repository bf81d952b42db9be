"""The sandbox's Kubernetes: real API server, controllers and scheduler; nodes and pods are played by kwok."""
