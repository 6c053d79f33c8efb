"""Servers of NFS and SMB in the guest, as lines of sh: each has its files in /srv."""

from __future__ import annotations

# exports(5) on stdin.
SERVE = """
cat > /etc/exports
mkdir -p /srv/rw /srv/squash /srv/other
modprobe nfsd
mountpoint -q /proc/fs/nfsd || mount -t nfsd nfsd /proc/fs/nfsd
exportfs -ra
"""
# Its grace period, in which no file is opened, is ended: there are no clients of before.
NFS_3 = """
rpcbind
rpc.nfsd 2
echo Y > /proc/fs/nfsd/v4_end_grace
rpc.mountd
until rpcinfo -t 127.0.0.1 mountd 3; do sleep 0.1; done
"""
SMB_CONFIG = """\
[global]
interfaces = lo
bind interfaces only = yes
disable netbios = yes
smb ports = 445
load printers = no
[data]
path = /srv/smb
read only = no
[archive]
path = /srv/smb
read only = yes
"""
# smb.conf(5) on stdin, the password of ann is $1.
# Its own user writes as ann, so that the share of root's host is writable by it.
SMB = """
mkdir -p /srv/smb
useradd --no-create-home ann
chown ann /srv/smb
printf '%s\\n%s\\n' "$1" "$1" | smbpasswd -s -a ann
cat > /etc/samba/smb.conf
"""
SMB_START = "smbd --daemon; until ss -tln | grep -q :445; do sleep 0.1; done"
