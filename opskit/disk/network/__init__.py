"""Shares of the network: mount an NFS export or an SMB share, with its entry in fstab; and out of service again.

Where a change belongs:

  what a share is called         share.py: HOST:/EXPORT and //HOST/SHARE, and which entry or mount is one of it
  what is known of its server    model.py: the types · see/: server.py asks it, with the calls of rpc.py, credentials.py
                                 the password's file, facts.py all of them together
  what was asked for             request.py: the request, and what of it cannot be
  a reason against               plan.py: `mount` · server.py: what the server says · umount_plan.py: `umount`
  what is changed                steps.py; why a mount failed all the same: causes.py
  the road of the command        cli.py, which disk/cli.py calls for a share
"""
