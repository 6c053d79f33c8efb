"""Reading journal files and their directories; nothing here changes them."""
