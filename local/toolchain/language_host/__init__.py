"""``pulumi-language-python``: runs programs, Python plugins and policy packs for Pulumi's engine.

The genuine one is part of the official CLI and in no package registry. This one serves the same protocol
(``pulumirpc.LanguageRuntime``); what only code generation needs (``pulumi package add``, ``pulumi convert``) it
refuses by name.
"""

VERSION = "1.0.0"
