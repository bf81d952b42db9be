"""Redis for the sandbox: the gateway's rate limits."""
