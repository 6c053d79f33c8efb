"""The steps of mount and umount: make.py what is made on a disk, mount.py the mount point and the mount."""
