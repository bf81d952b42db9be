"""Tests of the kubernetes stand-in, by the real engine on a real API server."""
