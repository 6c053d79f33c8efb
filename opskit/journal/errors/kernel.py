"""What the kernel's messages tell of: kinds of trouble, from kernel 3.10 (EL7) to 6.12 (EL10).

A rule's words are those of the source file that is named beside it, in every one of those kernels that has it. What
NOTHING fits is no trouble, whatever else fits it: a drive for disks that are taken out, a loop device, a command that a
disk does not know (DISCARD, WRITE SAME), and that the kernel goes without.
"""

from __future__ import annotations

from opskit.core.record import dataclass
from opskit.journal.errors.rules import incident_rules

OOM, DISK, LOST = "oom-kill", "disk-error", "messages-lost"
MEMORY, MEMORY_CORRECTED = "memory-failing", "memory-corrected"
HOT, STUCK, HUNG, BUG = "cpu-hot", "kernel-stuck", "task-hung", "kernel-bug"
POOL, TABLE, DENIED, NETWORK = "pool-full", "table-full", "access-denied", "network-trouble"


@dataclass(frozen=True)
class KernelKind:
    """What a person is told of one subject. title: with {subject} in it."""

    severity: str
    title: str
    remedy: str


KINDS = {
    MEMORY: KernelKind(
        "critical", "memory or processor fails ({subject})",
        "move what runs here to another host; ras-mc-ctl --errors, mcelog or the vendor's tools name the part",
    ),
    MEMORY_CORRECTED: KernelKind(
        "warning", "memory errors that were corrected ({subject})",
        "ras-mc-ctl --error-count, or edac-util -v: a number that grows wants a new module",
    ),
    HOT: KernelKind(
        "warning", "processor {subject} was too hot, and was slowed down",
        "ipmitool sdr type temperature; look at its fans, its filters, and the air around the host",
    ),
    STUCK: KernelKind(
        "critical", "the kernel was stuck ({subject})",
        "the trace below it says where; a virtual machine: ask whether its host is overcommitted",
    ),
    HUNG: KernelKind(
        "error", "process {subject} was blocked in the kernel for minutes",
        "mostly a disk or an NFS server that does not answer: opskit df, cat /proc/PID/stack",
    ),
    BUG: KernelKind(
        "critical", "the kernel has a fault ({subject})", "keep /var/crash, update the kernel, and reboot into it"
    ),
    POOL: KernelKind(
        "critical", "thin pool is full ({subject})",
        "lvs -a; lvextend its data or its metadata; fstrim in what is on it",
    ),
    TABLE: KernelKind(
        "error", "a table of the kernel is full: {subject}",
        "sysctl net.netfilter.nf_conntrack_max, net.ipv4.neigh.default.gc_thresh3, fs.file-max …, TasksMax= of a unit, "
        "or find who fills it",
    ),
    DENIED: KernelKind(
        "warning", "SELinux denied something to {subject}", "ausearch -m avc -ts recent; audit2why -al"
    ),
    NETWORK: KernelKind(
        "warning", "network device {subject} has trouble", "ip -s link; ethtool -S; the cable, the port of the switch"
    ),
}  # fmt: skip


_DEV = rb"(?P<subject>[\w!-]+?)"
NOTHING = incident_rules(
    "",
    # Drives for disks that are taken out, and what is no disk (block/blk-core.c).
    rb"error, dev (?:fd|sr|loop|ram|zram|nbd)\d+,|[Bb]uffer I/O error on (?:dev|device) (?:fd|sr|loop|nbd)\d+",
    # Commands that a disk may refuse (block/blk-core.c, blk_op_str; drivers/scsi/sd.c).
    rb"error, dev \S+ sector \d+ op 0x[0-9a-f]+:\((?:DISCARD|SECURE_ERASE|WRITE_SAME|WRITE_ZEROES)\)",
    # Reservations of disks that hosts share: of a cluster, no damage.
    rb"(?:operation not supported|critical target|critical nexus|reservation conflict) error, dev",
    rb"WRITE SAME failed|Write same.* not supported|[Dd]iscard.* not supported",
    rb"nvme \w+: .*completion polled|nvme \w+: Shutdown timeout set to",
    # ext4/super.c, ext4/mballoc.c: what a mount tells as well.
    rb"EXT\d-fs \([\w!-]+\): (?:mounted filesystem|re-mounted|unmounting|recovery complete|orphan cleanup|\d+ orphan)",
    rb"XFS \([\w!-]+\): (?:Mounting|Ending|Unmounting|Starting recovery|Quotacheck|Using|EXPERIMENTAL)",
)
KERNEL = (
    *NOTHING,
    # mm/oom_kill.c: "Killed process", beside "Kill process … or sacrifice child" until 4.18.
    *incident_rules(OOM, rb"Killed process (?P<detail>\d+) \((?P<subject>.*?)\),? (?:UID|total-vm)"),
    # BLK_STS_NOSPC of block/blk-core.c: a thin pool, or a storage box, that has no room left.
    *incident_rules(POOL, rb"critical space allocation error, dev " + _DEV + rb","),
    *incident_rules(
        DISK,
        # blk_update_request of block/blk-core.c, blk_print_req_error of blk-mq.c; fs/buffer.c
        rb"(?:I/O|critical \w+|device offline|timeout|protection|recoverable transport) error, dev " + _DEV + rb",",
        rb"Buffer I/O error on (?:dev|device) " + _DEV + rb",",
        rb"lost (?:async |sync )?page write due to I/O error on " + _DEV + rb"$",
        # fs/ext4/super.c, page-io.c; fs/jbd2/journal.c, commit.c
        rb"(?:EXT\d-fs|BTRFS:?|F\dFS-fs) (?:error|critical) \(device " + _DEV + rb"(?:: state \w+)?\)",
        rb"EXT\d-fs \(" + _DEV + rb"\): (?:Remounting filesystem read-only|I/O error|.*[Ee]rror.* reading"
        rb"|Delayed block allocation failed|failed to convert unwritten)",
        rb"EXT\d-fs warning \(device " + _DEV + rb"\): (?:\w+:\d+: )?(?:I/O error|ext4_end_bio)",
        rb"JBD2: (?:Error -?\d+ detected|(?:previous )?I/O error) .* for " + _DEV + rb"-\d+\.?$",
        rb"Aborting journal on device " + _DEV + rb"(?:-\d+)?\.$",
        rb"Detected IO errors while flushing file data on " + _DEV + rb"(?:-\d+)?$",
        # fs/xfs/xfs_log.c, xfs_fsops.c, xfs_buf.c
        rb"XFS \(" + _DEV + rb"\): .*(?:I/O [Ee]rror|[Cc]orruption|[Ss]hutting down|[Ss]hut down|xfs_repair"
        rb"|xfs_log_force: error|[Mm]etadata CRC error|[Ff]ailing async write|log mount/recovery failed)",
        # fs/btrfs/volumes.c, super.c
        rb"BTRFS(?: warning| info)? \(device "
        + _DEV
        + rb"(?:: state \w+)?\): (?:csum failed|bdev .* errs: |forced readonly"
        rb"|parent transid verify failed|lost page write|.*[Tt]ransaction aborted)",
        # drivers/ata/libata-eh.c, drivers/nvme/host/pci.c and core.c
        rb"(?P<subject>ata\d+)(?:\.\d+)?: (?:exception Emask|failed command|error: \{|COMRESET failed|link is slow"
        rb"|disabled|hard resetting link failed)",
        rb"nvme (?P<subject>nvme\d+): (?:I/O .*timeout|controller is down|Removing after|Disabling device after"
        rb"|Device not ready)",
        # 8 and 9 are Write Zeroes and Dataset Management (discard), which a disk may not know.
        rb"(?P<subject>nvme\d+n\d+): [\w /]+\((?:(?P<none>0x[89])|0x[0-9a-f]+)\) @ LBA ",
        # drivers/scsi/sd.c, scsi_lib.c, scsi_error.c
        rb"sd [\d:]+: \[" + _DEV + rb"\].*(?:Medium Error|Hardware Error|FAILED Result|Unrecovered|Unhandled)",
        rb"(?:sd|scsi) (?P<subject>[\d:]+): (?:\[\w+\] )?(?:rejecting I/O to (?:offline|dead) device|Device offlined)",
        # drivers/md/raid1.c, raid5.c, md.c; dm-mpath.c, dm-raid.c, dm-snap.c
        rb"md/\w+:?\w*: Disk failure on " + _DEV + rb"[, ]",
        rb"md: super_written gets error=-?\d+(?:, uptodate=\d+)?(?P<subject>)$",
        rb"md/raid\w*:(?P<subject>\w+): (?:[\w-]+: )?(?:Cannot continue operation|unrecoverable I/O read error"
        rb"|not enough operational)",
        rb"device-mapper: multipath: (?:[\d:]+: )?Failing path (?P<subject>[\w:]+?)\.$",
        rb"device-mapper: (?P<subject>snapshot)s: Invalidating snapshot: ",
    ),
    # drivers/md/dm-thin.c
    *incident_rules(
        POOL,
        rb"device-mapper: thin: (?P<subject>[\d:]+): (?:switching pool to (?:out-of-data-space|read-only|failed)"
        rb"|reached low water mark for metadata|no free (?:data|metadata) space|unable to allocate)",
        rb"device-mapper: space map (?P<subject>metadata): unable to allocate new metadata block",
    ),
    # arch/x86/kernel/cpu/mce/core.c, drivers/acpi/apei/ghes.c, drivers/edac/edac_mc.c, mm/memory-failure.c
    *incident_rules(
        MEMORY_CORRECTED,
        rb"EDAC (?P<subject>MC\d+): \d+ CE ",
        rb"\[Hardware Error\]: (?P<subject>Corrected error|.*event severity: corrected)",
        rb"mce: \[Hardware Error\]: (?P<subject>Machine check events logged)",
    ),
    *incident_rules(
        MEMORY,
        rb"EDAC (?P<subject>MC\d+): \d+ UE ",
        rb"\[Hardware Error\]: (?P<subject>CPU \d+: Machine Check|.*event severity: (?:fatal|recoverable)|Uncorrected)",
        rb"(?P<subject>Memory failure): 0x[0-9a-f]+: ",
        # EL7's mm/memory-failure.c
        rb"(?P<subject>MCE) 0x[0-9a-f]+: (?:Killing|.* page recovery)",
        rb"(?P<subject>Uhhuh\. NMI received) for unknown reason",
    ),
    # arch/x86/kernel/cpu/mce/therm_throt.c
    *incident_rules(HOT, rb"(?P<subject>CPU\d+): \w+ temperature above threshold"),
    # kernel/watchdog.c, kernel/watchdog_hld.c, kernel/rcu/tree_stall.h, kernel/hung_task.c
    *incident_rules(
        STUCK,
        rb"(?P<subject>soft lockup) - CPU#\d+ stuck for",
        rb"(?P<subject>hard LOCKUP) on cpu",
        rb"(?P<subject>rcu\w*):? (?:INFO: \w+ )?(?:self-detected stall|detected stalls?|detected expedited stalls)",
        rb"INFO: (?P<subject>rcu\w+) (?:self-)?detected stall",
        rb"(?P<subject>\w+) kthread starved for \d+ jiffies",
        rb"(?P<subject>clocksource): .*(?:Marking clocksource .* unstable|watchdog on CPU)",
    ),
    *incident_rules(HUNG, rb"INFO: task (?P<subject>\S+?):\d+ blocked (?:in \S+ )?for more than \d+ seconds"),
    # kernel/panic.c, arch/x86/mm/fault.c, arch/x86/kernel/dumpstack.c, lib/list_debug.c
    *incident_rules(
        BUG,
        rb"^(?P<subject>BUG: (?:unable to handle|kernel NULL|Bad page|workqueue lockup|scheduling while atomic))",
        rb"^(?P<subject>kernel BUG at \S+?)(?::\d+!|!)",
        rb"^(?P<subject>(?:Kernel panic|Oops|general protection fault|Internal error|list_(?:add|del) corruption))\b",
    ),
    # net/netfilter/nf_conntrack_core.c, net/core/neighbour.c, fs/file_table.c, net/ipv4/tcp.c, tcp_input.c
    *incident_rules(
        TABLE,
        rb"(?P<subject>nf_conntrack|ip_conntrack): (?:[\w-]+: )?table full, dropping packet",
        rb"(?P<subject>neighbour|Neighbour|ipv[46]): ?(?:\w+: )?(?:neighbor |neighbour |arp_cache: )?table overflow",
        rb"(?P<subject>Neighbour) table overflow",
        rb"VFS: (?P<subject>file-max) limit \d+ reached",
        rb"TCP: (?P<subject>out of memory|too many orphaned sockets)",
        rb"TCP: (?:request_sock_)?TCP(?:v6)?: Possible (?P<subject>SYN flooding on port [^\s,]+?)\.? ",
        rb"cgroup: (?P<subject>fork rejected by pids controller in \S+)",
    ),
    # net/sched/sch_generic.c, drivers/net/bonding/bond_main.c, net/core/dev.c
    *incident_rules(
        NETWORK,
        rb"NETDEV WATCHDOG: (?P<subject>[\w.-]+) \(",
        rb"(?P<subject>[\w.-]+): NETDEV WATCHDOG: CPU",
        rb"(?P<subject>[\w.-]+):? (?:NIC )?[Ll]ink is [Dd]own",
        rb"(?P<subject>bond\w*): (?:\(slave \w+\): )?link status definitely down",
        rb"(?P<subject>[\w.-]+): (?:Detected Tx Unit Hang|Reset adapter|transmit timed out|tx timeout)",
    ),
    # lib/ratelimit.c; audit_log_lost() in kernel/audit.c.
    *incident_rules(
        LOST, rb"^(?P<subject>[\w.]+?): (?P<amount>\d+) callbacks suppressed", rb"(?P<subject>audit): audit_lost="
    ),
)
# security/selinux/avc.c, as the audit subsystem logs it; and setroubleshootd.
AVC = incident_rules(DENIED, rb"avc:  ?denied .*? (?:comm|exe)=\"?(?P<subject>[^\" ]+)")
SETROUBLESHOOT = incident_rules(DENIED, rb"SELinux is preventing (?P<subject>\S+) from")
