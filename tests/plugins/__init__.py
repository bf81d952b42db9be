"""Tests of the stand-in plugins, by the real engine on real servers."""
