"""`opskit yum unlock`: what is safe, and nothing else."""
