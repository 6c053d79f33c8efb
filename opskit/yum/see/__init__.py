"""Looking at the host: lock files, the processes that hold them, the places where they are."""
