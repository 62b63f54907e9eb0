"""Every setting of the workflow: its type, default, limits, description and cross-checks."""
