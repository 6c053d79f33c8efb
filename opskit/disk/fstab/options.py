"""Mount options that are misspelt: what mount and the filesystems know, and which of it was meant. Pure.

mount's own options are in libmount's optmap.c, those of a filesystem in the kernel's fs/ (3.10 to 6.12: what any of
them knows is no mistake). ext, xfs, btrfs and vfat refuse to be mounted with an option that they do not know.
"""

from __future__ import annotations

from opskit.disk.fstab.text import FstabEntry

_MOUNT = """
defaults ro rw exec noexec suid nosuid dev nodev sync async dirsync remount bind rbind sub nosub silent loud mand nomand
atime noatime diratime nodiratime relatime norelatime strictatime nostrictatime lazytime nolazytime iversion noiversion
symfollow nosymfollow move private rprivate shared rshared slave rslave unbindable runbindable
auto noauto user nouser users nousers owner noowner group nogroup _netdev nofail fail comment uhelper helper
loop offset sizelimit encryption context fscontext defcontext rootcontext seclabel
"""
_EXT = """
bsddf minixdf grpid bsdgroups nogrpid sysvgroups resgid resuid sb errors nouid32 debug oldalloc orlov user_xattr
nouser_xattr acl noacl norecovery noload bh nobh commit min_batch_time max_batch_time journal journal_dev journal_path
journal_checksum nojournal_checksum journal_async_commit abort data data_err usrjquota grpjquota jqfmt grpquota noquota
quota usrquota prjquota barrier nobarrier i_version nomblk_io_submit mblk_io_submit dax xip stripe delalloc nodelalloc
warn_on_error nowarn_on_error debug_want_extra_isize mb_optimize_scan auto_da_alloc noauto_da_alloc dioread_nolock
dioread_lock nodioread_nolock discard nodiscard init_itable noinit_itable max_dir_size_kb test_dummy_encryption
inlinecrypt fc_debug_force fc_debug_max_replay prefetch_block_bitmaps no_prefetch_block_bitmaps inode_readahead_blks
journal_ioprio nombcache no_mbcache check nocheck reservation noreservation removed
"""
_XFS = """
attr2 noattr2 allocsize biosize barrier nobarrier discard nodiscard dax grpid nogrpid bsdgroups sysvgroups filestreams
ikeep noikeep inode32 inode64 largeio nolargeio logbufs logbsize logdev rtdev mtpt noalign norecovery nouuid noquota
quota usrquota uquota uqnoenforce qnoenforce gquota grpquota gqnoenforce pquota prjquota pqnoenforce sunit swidth
swalloc wsync lifetime nolifetime delaylog nodelaylog osyncisdsync ihashsize dmapi dmi xdsm max_atomic_write
max_open_zones
"""
_BTRFS = """
acl noacl alloc_start autodefrag noautodefrag barrier nobarrier check_int check_int_data check_int_print_mask
clear_cache commit compress compress-force datacow nodatacow datasum nodatasum degraded device discard nodiscard
enospc_debug noenospc_debug fatal_errors flushoncommit noflushoncommit fragment ignorebadroots ignoredatacsums
inode_cache noinode_cache max_inline metadata_ratio nologreplay norecovery recovery ref_verify ref_tracker
rescan_uuid_tree rescue skip_balance space_cache nospace_cache ssd nossd ssd_spread nossd_spread subvol subvolid
subvolrootid thread_pool treelog notreelog usebackuproot user_subvol_rm_allowed
"""
_FAT = """
uid gid umask dmask fmask allow_utime codepage iocharset utf8 check usefree nocase quiet showexec debug sys_immutable
tz time_offset errors discard nfs dos1xfloppy rodir shortname nonumtail uni_xlate flush conv dots nodots dotsOK fat bs
posix
"""
_TYPES = {"ext2": _EXT, "ext3": _EXT, "ext4": _EXT, "xfs": _XFS, "btrfs": _BTRFS, "vfat": _FAT, "msdos": _FAT}
# Options of programs beside mount: of systemd, of udisks, of verity.
_OTHERS = ("x-", "X-", "verity.")


def known_options(fstype: str) -> tuple[str, ...]:
    """The names of the options that mount or a filesystem of this type knows; () for a type not known here."""
    return tuple((_MOUNT + _TYPES[fstype]).split()) if fstype in _TYPES else ()


def misspelt(entry: FstabEntry, fstype: str) -> tuple[tuple[str, str], ...]:
    """The options that are one slip of a finger away from one that there is: each with that one, value and all.

    fstype: of the filesystem; of types other than those above nothing is known.
    """
    known = known_options(fstype)
    if not known or entry.is_swap:
        return ()
    words = [option.partition("=") for option in entry.option_list if not option.startswith(_OTHERS)]
    unknown = [(name, equals + value) for name, equals, value in words if name and name not in known]
    meant = [(name, next((option for option in known if _one_slip(name, option)), ""), rest) for name, rest in unknown]
    return tuple((name + rest, option + rest) for name, option, rest in meant if option)


def _one_slip(word: str, right: str) -> bool:
    """Whether they differ in the case of letters, or in one letter that is wrong, left out, too many, or swapped."""
    word = word.lower()
    if len(word) == len(right):
        places = [place for place, pair in enumerate(zip(word, right)) if pair[0] != pair[1]]
        swapped = len(places) == 2 and [word[places[1]], word[places[0]]] == [right[place] for place in places]
        return len(places) < 2 or (swapped and places[0] + 1 == places[1])
    longer, shorter = sorted((word, right), key=len, reverse=True)
    return any(longer[:place] + longer[place + 1 :] == shorter for place in range(len(longer)))
