"""`opskit disk swap`: a swap file, or a device as swap, from nothing to the entry in fstab; and off again."""
