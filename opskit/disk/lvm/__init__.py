"""LVM: grow a logical volume, with the partitions and physical volumes below it.

Where a change belongs:

  what LVM reports of a host     model.py: the types, and the arithmetic of extents · ../see/lvm.py fills them
  a reason against               guard.py
  what `grow` does to a volume   plan.py decides · steps.py acts
"""
