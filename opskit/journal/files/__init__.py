"""Journal files as they are: names, headers, directories, which are damaged."""
