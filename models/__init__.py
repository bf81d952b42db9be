"""Typed, frozen models of everything that YAML says, and loading them with errors that name file and line.

Models know nothing of Pulumi: they are plain data, checked once, that components turn into resources.
"""
