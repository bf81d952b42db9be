"""Traefik for the sandbox: the gateway's own program, on the very objects of the sandbox's Kubernetes."""
