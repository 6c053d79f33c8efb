"""An instance that systemd runs: its settings written, its unit started and stopped."""
