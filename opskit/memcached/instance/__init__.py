"""An instance started as a daemon, checked, and stopped."""
