"""The CrossGuard policy pack: what every Foundation environment holds to.

Each rule is a pure function over plain data in :mod:`policies.rules`; ``__main__`` hands them to the engine.
"""
