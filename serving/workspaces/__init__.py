"""The setting-up of workspaces: a configuration to edit, or an example that is ready to run."""
