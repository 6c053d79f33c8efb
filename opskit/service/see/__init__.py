"""What is looked at: nothing here changes the host, or the container."""
