"""Every instance of the host: figures and findings."""
