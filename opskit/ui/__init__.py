"""Everything a person sees. The only importer of rich, and that only when something is drawn on a terminal."""
