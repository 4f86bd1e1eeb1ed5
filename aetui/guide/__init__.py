"""A pure interpreter of assets/guides/*.toml."""
