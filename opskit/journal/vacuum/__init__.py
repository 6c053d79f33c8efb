"""`opskit journal vacuum`: what journalctl deletes, shown before it does."""
