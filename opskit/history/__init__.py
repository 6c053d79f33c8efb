"""The area history: what opskit did on this host, and taking it back."""
