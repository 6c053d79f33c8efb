"""Looking at the host: its processes and sockets, its memcached, what an instance says of itself."""
