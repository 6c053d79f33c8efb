"""See: ask the server of a share, and look at the file with its password. Changes nothing."""
