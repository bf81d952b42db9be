"""The kinds of objects that the API manages."""
