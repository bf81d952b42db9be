"""The identity API over HTTP."""
