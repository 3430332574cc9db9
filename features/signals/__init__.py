"""The catalogue's signals: one module a family."""
