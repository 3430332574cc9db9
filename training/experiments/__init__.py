"""What campaigns and programmes brought: assignments, outcomes, effects, read from the log."""
