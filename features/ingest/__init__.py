"""From raw files to the log: read, type, check, quarantine, write at once or not at all."""
