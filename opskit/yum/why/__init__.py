"""`opskit yum why`: what runs the package manager by itself; --hold."""
