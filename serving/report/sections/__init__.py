"""What the report says, a module a section: the finding in words, its chart, its tables."""
