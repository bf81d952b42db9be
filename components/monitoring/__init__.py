"""Monitoring: what Prometheus scrapes and when it warns."""
