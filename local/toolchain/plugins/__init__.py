"""Provider plugins that stand in for published ones in local environments."""
