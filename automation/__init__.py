"""What one does with an environment (up, preview, refresh, down) and in a tenant's life, as functions.

The CLI, CI and the signup service call the same functions. Everything goes through Pulumi's Automation API on the
project folder, so plain ``pulumi up`` does what :func:`automation.operations.up` does.
"""
