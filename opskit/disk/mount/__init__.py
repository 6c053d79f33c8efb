"""Into service and out: request.py, mkfs.py, plan.py, raw_plan.py what is made on a disk, umount_plan.py, steps/."""
