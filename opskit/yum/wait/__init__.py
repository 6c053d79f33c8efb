"""`opskit yum wait`: until no lock is held."""
