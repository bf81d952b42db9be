"""Gateway: Traefik routes and middlewares of tenants."""
