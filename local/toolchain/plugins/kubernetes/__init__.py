"""The stand-in for Pulumi's Kubernetes provider: same types, inputs, outputs, diffs and waits, over the official API.

It serves local environments only; everywhere else the published plugin is used, and finds a state made here as it
would have left it itself. What it does is what pulumi-kubernetes 4.34 does in its server-side apply mode.
"""
