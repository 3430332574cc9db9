"""The past: event log, histories, signals, point-in-time snapshots."""
