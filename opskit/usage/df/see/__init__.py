"""Reading what df tells: mounts and their figures, deleted files, what --why counts."""
