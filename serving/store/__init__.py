"""The live store: what serves now."""
