"""Getting Pulumi: the CLI, the language host and the provider plugins, official or made here."""
