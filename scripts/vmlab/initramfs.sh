#!/bin/sh
# Called by mmdebstrap with the new root: an initrd with nothing but what finds the root disk, which loads faster.
set -eu
printf 'MODULES=list\nCOMPRESS=lz4\n' >"$1/etc/initramfs-tools/conf.d/opskit"
printf 'virtio_pci\nvirtio_blk\next4\n' >>"$1/etc/initramfs-tools/modules"
# Of mdadm and LVM it needs nothing: their modules time themselves for seconds.
for name in mdadm lvm2; do
  rm -f "$1/usr/share/initramfs-tools/hooks/$name" "$1/usr/share/initramfs-tools/scripts/"*"/$name"
done
chroot "$1" update-initramfs -u
