"""`opskit journal usage`: what the journal takes, and the limits in force."""
