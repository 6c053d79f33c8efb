# fish completion for opskit. Written by scripts/completions from the tree of commands: do not edit.

# The command named so far and how many arguments it has got: "opskit disk mount 1".
function __opskit_so_far
    set -l path opskit
    set -l arguments 0
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip -eq 1
            set skip 0
        else if contains -- $word $__opskit_valued; or contains -- "$path $word" $__opskit_valued
            set skip 1
        else if string match -q -- '-*' $word
            continue
        else if contains -- "$path $word" $__opskit_commands
            set path "$path $word"
        else
            set arguments (math $arguments + 1)
        end
    end
    echo "$path $arguments"
end

# Whether the command named so far is this one, whatever arguments it has got.
function __opskit_in
    string match -qr -- "^$argv \d+\$" (__opskit_so_far)
end

# Whether this command has got this many arguments: __opskit_at opskit disk mount 0
function __opskit_at
    test (__opskit_so_far) = "$argv"
end

# Every block device that has a size.
function __opskit_devices
    for entry in /sys/class/block/*
        set -l name (string replace -a ! / (string replace -r '.*/' '' $entry))
        string match -qr '^ram\d' $name; and continue
        test (cat $entry/size 2>/dev/null; or echo 0)[1] != 0; and echo /dev/$name
    end
end

# Every mount point of a block device; the kernel writes a space as \040.
function __opskit_mountpoints
    while read -l source place rest
        string match -q '/dev/*' $source; and printf '%b\n' (string replace -ar '\\\\(\d{3})' '\\\\0$1' $place)
    end </proc/self/mounts
end

# Every unit that systemd has loaded; a failed one may have a mark before its name.
function __opskit_units
    systemctl list-units --all --full --plain --no-legend --no-pager 2>/dev/null |
        string replace -r '^[^[:alnum:]_-]*' '' | string replace -r ' .*' ''
end

function __opskit_targets
    __opskit_mountpoints
    __opskit_devices
end

# The newest runs in the ledger, and `last`.
function __opskit_runs
    set -l state /var/lib/opskit
    set -q OPSKIT_STATE_DIR; and set state $OPSKIT_STATE_DIR
    echo last
    tail -c 2000000 $state/ledger.jsonl 2>/dev/null |
        sed -n 's/.*"entry": "begin", "run": "\([^"]*\)".*/\1/p'
end

complete -c opskit -f
set -g __opskit_commands 'opskit' 'opskit disk' 'opskit disk list' 'opskit disk show' 'opskit disk facts' 'opskit disk mount' 'opskit disk umount' 'opskit disk grow' 'opskit disk fstab' 'opskit disk fstab check' 'opskit disk fstab show' 'opskit disk fstab backup' 'opskit disk fstab restore' 'opskit disk swap' 'opskit du' 'opskit df' 'opskit journal' 'opskit journal usage' 'opskit journal verify' 'opskit journal vacuum' 'opskit journal retain' 'opskit journal errors' 'opskit memcached' 'opskit memcached flags' 'opskit memcached explain' 'opskit memcached lint' 'opskit memcached start' 'opskit memcached stop' 'opskit memcached status' 'opskit yum' 'opskit yum lock' 'opskit yum wait' 'opskit yum unlock' 'opskit yum why' 'opskit service' 'opskit service status' 'opskit service why' 'opskit service ensure' 'opskit status' 'opskit check' 'opskit history' 'opskit history show' 'opskit history prune' 'opskit undo' 'opskit findings' 'opskit doctor' 'opskit schema' 'opskit completion'
set -g __opskit_valued '--add' '--auth-file' '--boot' '--by' '--celery' '--color' '--conn-limit' '--container' '--depth' '--diff' '--directory' '--domain' '--engine' '--exclude' '--exclude-from' '--exclude-type' '--expose' '--extended' '--facts' '--for' '--fstab' '--fstype' '--hold' '--install-timer' '--installroot' '--interval' '--keep-copy' '--label' '--leave-free' '--limit' '--listen' '--listen-backlog' '--lock-timeout' '--max-depth' '--max-item-size' '--max-reqs-per-event' '--memory-file' '--memory-limit' '--min-size' '--mount-options' '--namespace' '--napi-ids' '--of' '--older-than' '--only' '--only-plan' '--password-file' '--pid' '--pidfile' '--port' '--prefix-delimiter' '--priority' '--protocol' '--reserved' '--root' '--sample' '--save' '--since' '--size' '--slab-growth-factor' '--slab-min-size' '--state-dir' '--sysconfig' '--systemd-version' '--table' '--threads' '--threshold' '--timeout' '--top' '--type' '--udp-port' '--unit' '--unix-mask' '--unix-socket' '--until' '--user' '--verify-key' '--warn' '--wipe' '--workers' '-B' '-I' '-N' '-P' '-R' '-U' '-Y' '-b' '-e' '-m' '-o' '-t' 'opskit check --format' 'opskit check --output' 'opskit df --output' 'opskit df -x' 'opskit disk fstab backup --format' 'opskit disk fstab restore --format' 'opskit disk grow --format' 'opskit disk mount --format' 'opskit disk swap --format' 'opskit disk umount --format' 'opskit du -X' 'opskit du -d' 'opskit history prune --format' 'opskit journal errors -D' 'opskit journal errors -p' 'opskit journal errors -u' 'opskit journal retain --format' 'opskit journal usage -D' 'opskit journal vacuum --files' 'opskit journal vacuum --format' 'opskit journal vacuum -D' 'opskit journal verify -D' 'opskit memcached explain --version' 'opskit memcached flags --version' 'opskit memcached lint --version' 'opskit memcached start --format' 'opskit memcached start -D' 'opskit memcached start -a' 'opskit memcached start -c' 'opskit memcached start -f' 'opskit memcached start -l' 'opskit memcached start -p' 'opskit memcached start -s' 'opskit memcached start -u' 'opskit memcached stop --format' 'opskit memcached stop -p' 'opskit memcached stop -s' 'opskit service ensure --format' 'opskit undo --format' 'opskit yum unlock --format' 'opskit yum why --format'

# opskit
complete -c opskit -n '__opskit_at opskit 0' -a disk -d 'Put data disks into service, safely'
complete -c opskit -n '__opskit_at opskit 0' -a du -d 'Show what fills a disk: directories with all that is in them, the largest first'
complete -c opskit -n '__opskit_at opskit 0' -a df -d 'Show the filesystems: type, size, used, available, inodes, with the figures of df'
complete -c opskit -n '__opskit_at opskit 0' -a journal -d 'The journal: what fills it, what a vacuum will delete, what is damaged, a limit that lasts'
complete -c opskit -n '__opskit_at opskit 0' -a memcached -d 'Launch memcached right, or be told why not'
complete -c opskit -n '__opskit_at opskit 0' -a yum -d 'Who holds the lock of yum, dnf, PackageKit or rpm, and what is safe to do: for `Another app is currently holding the yum lock` and `Waiting for process with pid 1234 to finish`'
complete -c opskit -n '__opskit_at opskit 0' -a service -d 'Whether a service really runs: what systemd, an init script or a container engine says is held against /proc'
complete -c opskit -n '__opskit_at opskit 0' -a status -d 'Show the host on one screen: disks, filesystems, journal, memcached, services, packages, and what opskit did'
complete -c opskit -n '__opskit_at opskit 0' -a check -d 'Check the whole host: the findings of all areas, the most important first, each with what to do'
complete -c opskit -n '__opskit_at opskit 0' -a history -d 'Without a command it lists the runs on this host, the newest last'
complete -c opskit -n '__opskit_at opskit 0' -a undo -d 'Take a run back as far as it can be, the newest step first'
complete -c opskit -n '__opskit_at opskit 0' -a findings -d 'List the findings: id, area, severity, and what each means'
complete -c opskit -n '__opskit_at opskit 0' -a doctor -d 'Show what opskit has to work with on this host, and what is missing for which command'
complete -c opskit -n '__opskit_at opskit 0' -a schema -d 'Print the JSON Schema (draft 2020-12) of what a command answers with --json'
complete -c opskit -n '__opskit_at opskit 0' -a completion -d 'Print the completion script for a shell, or a manual page'
complete -c opskit -n '__opskit_in opskit' -l version -d 'Print the version'
complete -c opskit -n '__opskit_in opskit' -l help -s h -d 'Show this message and exit'

# opskit disk
complete -c opskit -n '__opskit_at opskit disk 0' -a list -d 'List the block devices, with a verdict: system, in use, has data, or ready (blank)'
complete -c opskit -n '__opskit_at opskit disk 0' -a show -d 'Show everything about one block device'
complete -c opskit -n '__opskit_at opskit disk 0' -a facts -d 'Save what decisions need, for a dry run anywhere: opskit disk mount … --facts host.json'
complete -c opskit -n '__opskit_at opskit disk 0' -a mount -d 'Put a disk, or a share of the network, into service: filesystem, fstab entry, mount'
complete -c opskit -n '__opskit_at opskit disk 0' -a umount -d 'Take a disk or a share out of service: unmount it, take its entry out of fstab, leave the data'
complete -c opskit -n '__opskit_at opskit disk 0' -a grow -d 'Grow partition and filesystem to the end of a disk that was made larger, while it is mounted'
complete -c opskit -n '__opskit_at opskit disk 0' -a fstab -d 'Check fstab, show what it means here, back it up, restore it'
complete -c opskit -n '__opskit_at opskit disk 0' -a swap -d 'Give the host swap: a file of this size, or a blank device'
complete -c opskit -n '__opskit_in opskit disk' -l help -s h -d 'Show this message and exit'

# opskit disk list
complete -c opskit -n '__opskit_in opskit disk list' -l all -d 'Loop devices, RAM disks and floppies as well'
complete -c opskit -n '__opskit_in opskit disk list' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk list' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk list' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk list' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk list' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk list' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk list' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk list' -l help -s h -d 'Show this message and exit'

# opskit disk show
complete -c opskit -n '__opskit_at opskit disk show 0' -a '(__opskit_devices)'
complete -c opskit -n '__opskit_in opskit disk show' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk show' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk show' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk show' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk show' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk show' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk show' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk show' -l help -s h -d 'Show this message and exit'

# opskit disk facts
complete -c opskit -n '__opskit_in opskit disk facts' -a '(__fish_complete_directories)'
complete -c opskit -n '__opskit_in opskit disk facts' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk facts' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk facts' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk facts' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk facts' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk facts' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk facts' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk facts' -l help -s h -d 'Show this message and exit'

# opskit disk mount
complete -c opskit -n '__opskit_at opskit disk mount 0' -a '(__opskit_devices)'
complete -c opskit -n '__opskit_at opskit disk mount 1' -a '(__fish_complete_directories)'
complete -c opskit -n '__opskit_in opskit disk mount' -l fstype -x -a 'ext4 ext3 xfs nfs4 nfs cifs' -d 'ext4, ext3 or xfs'
complete -c opskit -n '__opskit_in opskit disk mount' -l label -x -d 'A label for the new filesystem'
complete -c opskit -n '__opskit_in opskit disk mount' -l table -x -a 'gpt dos' -d 'The partition table: gpt or dos'
complete -c opskit -n '__opskit_in opskit disk mount' -l whole-disk -d 'No partition: the filesystem on the disk itself'
complete -c opskit -n '__opskit_in opskit disk mount' -l mount-options -x -d 'Mount options, such as noatime,nodev'
complete -c opskit -n '__opskit_in opskit disk mount' -l no-fstab -d 'Leave fstab alone'
complete -c opskit -n '__opskit_in opskit disk mount' -l reserved -x -d 'Blocks kept for root (ext3, ext4)'
complete -c opskit -n '__opskit_in opskit disk mount' -l no-discard -d 'Do not discard the blocks of a new filesystem'
complete -c opskit -n '__opskit_in opskit disk mount' -l lazy-init -l no-lazy-init -d 'Whether ext3 and ext4 write their tables later'
complete -c opskit -n '__opskit_in opskit disk mount' -l wipe -x -a '(__opskit_devices)' -d 'Destroy what is on it: repeat the device\'s name'
complete -c opskit -n '__opskit_in opskit disk mount' -l user -x -d 'Who mounts an SMB share'
complete -c opskit -n '__opskit_in opskit disk mount' -l domain -x -d 'The domain of that user'
complete -c opskit -n '__opskit_in opskit disk mount' -l password-file -r -F -d 'Holds his password'
complete -c opskit -n '__opskit_in opskit disk mount' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk mount' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit disk mount' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit disk mount' -l facts -r -F -d 'Decide on the facts in this file (`-`: stdin)'
complete -c opskit -n '__opskit_in opskit disk mount' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit disk mount' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit disk mount' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit disk mount' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit disk mount' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk mount' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk mount' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk mount' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk mount' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk mount' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk mount' -l help -s h -d 'Show this message and exit'

# opskit disk umount
complete -c opskit -n '__opskit_at opskit disk umount 0' -a '(__opskit_targets)'
complete -c opskit -n '__opskit_in opskit disk umount' -l no-fstab -d 'Leave fstab alone'
complete -c opskit -n '__opskit_in opskit disk umount' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk umount' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit disk umount' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit disk umount' -l facts -r -F -d 'Decide on the facts in this file (`-`: stdin)'
complete -c opskit -n '__opskit_in opskit disk umount' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit disk umount' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit disk umount' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit disk umount' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit disk umount' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk umount' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk umount' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk umount' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk umount' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk umount' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk umount' -l help -s h -d 'Show this message and exit'

# opskit disk grow
complete -c opskit -n '__opskit_at opskit disk grow 0' -a '(__opskit_targets)'
complete -c opskit -n '__opskit_in opskit disk grow' -l size -x -d 'Of a logical volume: 50G, +20G, or 100% for all free extents'
complete -c opskit -n '__opskit_in opskit disk grow' -l add -x -a '(__opskit_devices)' -d 'A blank disk to take into the volume group first'
complete -c opskit -n '__opskit_in opskit disk grow' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk grow' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit disk grow' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit disk grow' -l facts -r -F -d 'Decide on the facts in this file (`-`: stdin)'
complete -c opskit -n '__opskit_in opskit disk grow' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit disk grow' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit disk grow' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit disk grow' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit disk grow' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk grow' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk grow' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk grow' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk grow' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk grow' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk grow' -l help -s h -d 'Show this message and exit'

# opskit disk fstab
complete -c opskit -n '__opskit_at opskit disk fstab 0' -a check -d 'Check every entry against this host'
complete -c opskit -n '__opskit_at opskit disk fstab 0' -a show -d 'Show every entry with the device that it names here, and whether that is mounted'
complete -c opskit -n '__opskit_at opskit disk fstab 0' -a backup -d 'Copy fstab beside itself, unless there is a copy of just this one already'
complete -c opskit -n '__opskit_at opskit disk fstab 0' -a restore -d 'Put a backup in place of fstab, which is backed up first'
complete -c opskit -n '__opskit_in opskit disk fstab' -l help -s h -d 'Show this message and exit'

# opskit disk fstab check
complete -c opskit -n '__opskit_in opskit disk fstab check' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l facts -r -F -d 'Look at facts saved in this file (`-`: stdin) instead'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk fstab check' -l help -s h -d 'Show this message and exit'

# opskit disk fstab show
complete -c opskit -n '__opskit_in opskit disk fstab show' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l facts -r -F -d 'Look at facts saved in this file (`-`: stdin) instead'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk fstab show' -l help -s h -d 'Show this message and exit'

# opskit disk fstab backup
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l facts -r -F -d 'Decide on the facts in this file (`-`: stdin)'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk fstab backup' -l help -s h -d 'Show this message and exit'

# opskit disk fstab restore
complete -c opskit -n '__opskit_at opskit disk fstab restore 0' -F
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk fstab restore' -l help -s h -d 'Show this message and exit'

# opskit disk swap
complete -c opskit -n '__opskit_at opskit disk swap 1' -F
complete -c opskit -n '__opskit_in opskit disk swap' -l off -d 'Take the file (or device) out of use and out of fstab'
complete -c opskit -n '__opskit_in opskit disk swap' -l leave-free -x -d 'What stays free beside a new file'
complete -c opskit -n '__opskit_in opskit disk swap' -l no-fstab -d 'Leave fstab alone'
complete -c opskit -n '__opskit_in opskit disk swap' -l fstab -r -F -d 'Another file than /etc/fstab'
complete -c opskit -n '__opskit_in opskit disk swap' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit disk swap' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit disk swap' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit disk swap' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit disk swap' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit disk swap' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit disk swap' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit disk swap' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit disk swap' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit disk swap' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit disk swap' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit disk swap' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit disk swap' -l help -s h -d 'Show this message and exit'

# opskit du
complete -c opskit -n '__opskit_in opskit du' -a '(__fish_complete_directories)'
complete -c opskit -n '__opskit_in opskit du' -l depth -l max-depth -s d -x -d 'Directories this deep'
complete -c opskit -n '__opskit_in opskit du' -l summarize -s s -d 'Only each PATH: a depth of 0'
complete -c opskit -n '__opskit_in opskit du' -l top -x -d 'Only the largest N'
complete -c opskit -n '__opskit_in opskit du' -l min-size -l threshold -s t -x -d 'Only from this size: 10M, 1.5G'
complete -c opskit -n '__opskit_in opskit du' -l files -d 'The largest files too, at any depth'
complete -c opskit -n '__opskit_in opskit du' -l all -s a -d 'Every file down to the depth too'
complete -c opskit -n '__opskit_in opskit du' -l dereference -s L -d 'Follow all symbolic links'
complete -c opskit -n '__opskit_in opskit du' -l dereference-args -s D -s H -d 'Follow a PATH that is a symbolic link'
complete -c opskit -n '__opskit_in opskit du' -l apparent -l apparent-size -d 'Sizes of the contents, not of the blocks'
complete -c opskit -n '__opskit_in opskit du' -l inodes -d 'Count entries instead of bytes'
complete -c opskit -n '__opskit_in opskit du' -l one-file-system -s x -d 'Stay on the filesystem of each PATH'
complete -c opskit -n '__opskit_in opskit du' -l exclude -x -d 'Leave out what matches, as du does'
complete -c opskit -n '__opskit_in opskit du' -l exclude-from -s X -r -F -d 'The same, a glob on each line'
complete -c opskit -n '__opskit_in opskit du' -l older-than -x -d 'Only files not modified for so long: 30d, 12h, 1y'
complete -c opskit -n '__opskit_in opskit du' -l by -x -a 'ext age user' -d 'Sums by ext, age or user'
complete -c opskit -n '__opskit_in opskit du' -l count-links -s l -d 'Count a file once for each of its links'
complete -c opskit -n '__opskit_in opskit du' -l bytes -d 'Exact sizes in bytes'
complete -c opskit -n '__opskit_in opskit du' -l total -s c -d 'A line with the total'
complete -c opskit -n '__opskit_in opskit du' -l time -d 'When something in it was last modified'
complete -c opskit -n '__opskit_in opskit du' -l null -s 0 -d 'End each line with NUL, names as they are'
complete -c opskit -n '__opskit_in opskit du' -l save -r -F -d 'Keep this scan in FILE, for --diff'
complete -c opskit -n '__opskit_in opskit du' -l keep -d 'Keep it in the state directory, as one of the last 30'
complete -c opskit -n '__opskit_in opskit du' -l diff -r -F -d 'What changed since a FILE, a kept RUN, or the last'
complete -c opskit -n '__opskit_in opskit du' -l browse -d 'Walk in it on the whole screen, and delete'
complete -c opskit -n '__opskit_in opskit du' -l dry-run -s n -d 'With --browse: d shows the plan and deletes nothing'
complete -c opskit -n '__opskit_in opskit du' -l engine -x -a 'lstat statx stat' -d 'How to read: lstat, statx or stat'
complete -c opskit -n '__opskit_in opskit du' -l workers -x -d 'So many processes, from the start'
complete -c opskit -n '__opskit_in opskit du' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit du' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit du' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit du' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit du' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit du' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit du' -l help -s h -d 'Show this message and exit'

# opskit df
complete -c opskit -n '__opskit_in opskit df' -a '(__fish_complete_directories)'
complete -c opskit -n '__opskit_in opskit df' -l all -s a -d 'Pseudo filesystems and further mounts too'
complete -c opskit -n '__opskit_in opskit df' -l type -s t -x -d 'Only filesystems of this type'
complete -c opskit -n '__opskit_in opskit df' -l exclude-type -s x -x -d 'None of this type'
complete -c opskit -n '__opskit_in opskit df' -l inodes -s i -d 'Inodes instead of bytes'
complete -c opskit -n '__opskit_in opskit df' -l total -d 'A line with the sums'
complete -c opskit -n '__opskit_in opskit df' -l output -x -d 'These columns: source, fstype, size, used, avail, …'
complete -c opskit -n '__opskit_in opskit df' -l print-type -s T -d 'As GNU df'
complete -c opskit -n '__opskit_in opskit df' -l bytes -d 'Sizes in bytes'
complete -c opskit -n '__opskit_in opskit df' -l warn -x -d 'A finding from so many percent used on'
complete -c opskit -n '__opskit_in opskit df' -l deleted -d 'Files that are deleted but still open, and what frees them'
complete -c opskit -n '__opskit_in opskit df' -l why -d 'What the used space of one filesystem is made of, and what could go'
complete -c opskit -n '__opskit_in opskit df' -l check -d 'Exit 4 when there are findings'
complete -c opskit -n '__opskit_in opskit df' -l timeout -x -d 'How long to wait for mounts that do not answer'
complete -c opskit -n '__opskit_in opskit df' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit df' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit df' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit df' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit df' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit df' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit df' -l help -s h -d 'Show this message and exit'

# opskit journal
complete -c opskit -n '__opskit_at opskit journal 0' -a usage -d 'Show what the journal takes: per directory, namespace and machine, and the limits with where each comes from'
complete -c opskit -n '__opskit_at opskit journal 0' -a verify -d 'Check every journal file, and say what to do about a damaged one'
complete -c opskit -n '__opskit_at opskit journal 0' -a vacuum -d 'Delete old journal files, and show exactly which before'
complete -c opskit -n '__opskit_at opskit journal 0' -a retain -d 'Have journald keep to a limit from now on: a drop-in for journald.conf, and a restart of journald'
complete -c opskit -n '__opskit_at opskit journal 0' -a errors -d 'Show what is wrong: similar messages in groups, failed units, OOM kills, core dumps, disk errors, lost messages'
complete -c opskit -n '__opskit_in opskit journal' -l help -s h -d 'Show this message and exit'

# opskit journal usage
complete -c opskit -n '__opskit_in opskit journal usage' -l directory -s D -x -a '(__fish_complete_directories)' -d 'The journals in this directory instead'
complete -c opskit -n '__opskit_in opskit journal usage' -l root -x -a '(__fish_complete_directories)' -d 'The journals of the system below this directory'
complete -c opskit -n '__opskit_in opskit journal usage' -l namespace -x -d 'The journal of this namespace'
complete -c opskit -n '__opskit_in opskit journal usage' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit journal usage' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit journal usage' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit journal usage' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit journal usage' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit journal usage' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit journal usage' -l help -s h -d 'Show this message and exit'

# opskit journal verify
complete -c opskit -n '__opskit_in opskit journal verify' -l verify-key -r -F -d 'Check the seals (FSS) too, by the key in this file'
complete -c opskit -n '__opskit_in opskit journal verify' -l directory -s D -x -a '(__fish_complete_directories)' -d 'The journals in this directory instead'
complete -c opskit -n '__opskit_in opskit journal verify' -l root -x -a '(__fish_complete_directories)' -d 'The journals of the system below this directory'
complete -c opskit -n '__opskit_in opskit journal verify' -l namespace -x -d 'The journal of this namespace'
complete -c opskit -n '__opskit_in opskit journal verify' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit journal verify' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit journal verify' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit journal verify' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit journal verify' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit journal verify' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit journal verify' -l help -s h -d 'Show this message and exit'

# opskit journal vacuum
complete -c opskit -n '__opskit_in opskit journal vacuum' -l size -x -d 'Delete until it takes no more: 500M, 2G'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l files -x -d 'Delete until no more than N files are left'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l rotate -d 'Archive the active files first'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l keep-copy -x -a '(__fish_complete_directories)' -d 'Copy the files there before they are deleted'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l namespace -x -d 'The journal of this namespace'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l directory -s D -x -a '(__fish_complete_directories)' -d 'The journals in this directory instead'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l root -x -a '(__fish_complete_directories)' -d 'The journals of the system below this directory'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l systemd-version -x -d 'Decide as this systemd does: 239, 252-32.el9'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit journal vacuum' -l help -s h -d 'Show this message and exit'

# opskit journal retain
complete -c opskit -n '__opskit_in opskit journal retain' -l size -x -d 'Take no more than this on disk: 500M, 2G'
complete -c opskit -n '__opskit_in opskit journal retain' -l namespace -x -d 'The journal of this namespace'
complete -c opskit -n '__opskit_in opskit journal retain' -l root -x -a '(__fish_complete_directories)' -d 'The journals of the system below this directory'
complete -c opskit -n '__opskit_in opskit journal retain' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit journal retain' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit journal retain' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit journal retain' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit journal retain' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit journal retain' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit journal retain' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit journal retain' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit journal retain' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit journal retain' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit journal retain' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit journal retain' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit journal retain' -l help -s h -d 'Show this message and exit'

# opskit journal errors
complete -c opskit -n '__opskit_in opskit journal errors' -l since -x -d 'From then on: 1h, 2d, yesterday, \'2026-11-21 15:00\', 2026-11-21T15:00:00Z'
complete -c opskit -n '__opskit_in opskit journal errors' -l until -x -d 'Up to then'
complete -c opskit -n '__opskit_in opskit journal errors' -l boot -s b -x -d 'Only of this boot'
complete -c opskit -n '__opskit_in opskit journal errors' -l unit -s u -x -a '(__opskit_units)' -d 'Only of this unit'
complete -c opskit -n '__opskit_in opskit journal errors' -l priority -s p -x -a 'emerg alert crit err warning notice info debug' -d 'Down to this one: err, 4, debug for everything'
complete -c opskit -n '__opskit_in opskit journal errors' -l top -x -d 'Only the N most important groups'
complete -c opskit -n '__opskit_in opskit journal errors' -l check -d 'Exit 4 when there are errors'
complete -c opskit -n '__opskit_in opskit journal errors' -l follow -s f -d 'Go on as entries come'
complete -c opskit -n '__opskit_in opskit journal errors' -l namespace -x -d 'The journal of this namespace'
complete -c opskit -n '__opskit_in opskit journal errors' -l directory -s D -x -a '(__fish_complete_directories)' -d 'The journals in this directory instead'
complete -c opskit -n '__opskit_in opskit journal errors' -l root -x -a '(__fish_complete_directories)' -d 'The journals of the system below this directory'
complete -c opskit -n '__opskit_in opskit journal errors' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit journal errors' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit journal errors' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit journal errors' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit journal errors' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit journal errors' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit journal errors' -l help -s h -d 'Show this message and exit'

# opskit memcached
complete -c opskit -n '__opskit_at opskit memcached 0' -a flags -d 'Show every option of a release: meaning, default, range, what it does, where it changed'
complete -c opskit -n '__opskit_at opskit memcached 0' -a explain -d 'Explain a line word by word: how memcached reads it, what comes of it, and findings'
complete -c opskit -n '__opskit_at opskit memcached 0' -a lint -d 'Check a line: what memcached would refuse, misread or open to others'
complete -c opskit -n '__opskit_at opskit memcached 0' -a start -d 'Start an instance with memcached\'s own options, and check that it is as asked for'
complete -c opskit -n '__opskit_at opskit memcached 0' -a stop -d 'Stop an instance: never a process that is not memcached'
complete -c opskit -n '__opskit_at opskit memcached 0' -a status -d 'Show every memcached of the host: memory, hits, evictions, failed stores, connections'
complete -c opskit -n '__opskit_in opskit memcached' -l help -s h -d 'Show this message and exit'

# opskit memcached flags
complete -c opskit -n '__opskit_in opskit memcached flags' -l version -x -d 'Judge for this release (1.4.15 to 1.6), not for this host'
complete -c opskit -n '__opskit_in opskit memcached flags' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit memcached flags' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit memcached flags' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit memcached flags' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit memcached flags' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit memcached flags' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit memcached flags' -l help -s h -d 'Show this message and exit'

# opskit memcached explain
complete -c opskit -n '__opskit_in opskit memcached explain' -l version -x -d 'Judge for this release (1.4.15 to 1.6), not for this host'
complete -c opskit -n '__opskit_in opskit memcached explain' -l sysconfig -r -F -d 'The line of a sysconfig file'
complete -c opskit -n '__opskit_in opskit memcached explain' -l unit -x -a '(__opskit_units)' -d 'The line of a systemd unit, with drop-ins'
complete -c opskit -n '__opskit_in opskit memcached explain' -l pid -x -d 'The line of a running memcached'
complete -c opskit -n '__opskit_in opskit memcached explain' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit memcached explain' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit memcached explain' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit memcached explain' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit memcached explain' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit memcached explain' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit memcached explain' -l help -s h -d 'Show this message and exit'

# opskit memcached lint
complete -c opskit -n '__opskit_in opskit memcached lint' -l version -x -d 'Judge for this release (1.4.15 to 1.6), not for this host'
complete -c opskit -n '__opskit_in opskit memcached lint' -l sysconfig -r -F -d 'The line of a sysconfig file'
complete -c opskit -n '__opskit_in opskit memcached lint' -l unit -x -a '(__opskit_units)' -d 'The line of a systemd unit, with drop-ins'
complete -c opskit -n '__opskit_in opskit memcached lint' -l pid -x -d 'The line of a running memcached'
complete -c opskit -n '__opskit_in opskit memcached lint' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit memcached lint' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit memcached lint' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit memcached lint' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit memcached lint' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit memcached lint' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit memcached lint' -l help -s h -d 'Show this message and exit'

# opskit memcached start
complete -c opskit -n '__opskit_in opskit memcached start' -l port -s p -x -d 'TCP port'
complete -c opskit -n '__opskit_in opskit memcached start' -l udp-port -s U -x -d 'UDP port'
complete -c opskit -n '__opskit_in opskit memcached start' -l unix-socket -s s -r -F -d 'UNIX socket, in place of TCP and UDP'
complete -c opskit -n '__opskit_in opskit memcached start' -l unix-mask -s a -x -d 'mode of the UNIX socket (octal)'
complete -c opskit -n '__opskit_in opskit memcached start' -l enable-shutdown -s A -d 'let clients stop it: the command shutdown'
complete -c opskit -n '__opskit_in opskit memcached start' -l listen -s l -x -d 'address to listen on, with or without :PORT'
complete -c opskit -n '__opskit_in opskit memcached start' -l daemon -s d -d 'go into the background'
complete -c opskit -n '__opskit_in opskit memcached start' -l enable-coredumps -s r -d 'raise the limit on core files'
complete -c opskit -n '__opskit_in opskit memcached start' -l user -s u -x -d 'user to run as, when root starts it'
complete -c opskit -n '__opskit_in opskit memcached start' -l memory-limit -s m -x -d 'memory for items (MiB)'
complete -c opskit -n '__opskit_in opskit memcached start' -l disable-evictions -s M -d 'answer with an error when memory is full, in place of evicting'
complete -c opskit -n '__opskit_in opskit memcached start' -l conn-limit -s c -x -d 'connections at once'
complete -c opskit -n '__opskit_in opskit memcached start' -l lock-memory -s k -d 'lock all memory (RLIMIT_MEMLOCK)'
complete -c opskit -n '__opskit_in opskit memcached start' -l pidfile -s P -r -F -d 'file for the pid of a daemon'
complete -c opskit -n '__opskit_in opskit memcached start' -l slab-growth-factor -s f -x -d 'how chunk sizes grow'
complete -c opskit -n '__opskit_in opskit memcached start' -l slab-min-size -x -d 'least room for key, value and flags (bytes)'
complete -c opskit -n '__opskit_in opskit memcached start' -l enable-largepages -s L -d 'use large memory pages'
complete -c opskit -n '__opskit_in opskit memcached start' -l prefix-delimiter -s D -x -d 'delimiter of key prefixes, for stats detail'
complete -c opskit -n '__opskit_in opskit memcached start' -l threads -s t -x -d 'worker threads'
complete -c opskit -n '__opskit_in opskit memcached start' -l max-reqs-per-event -s R -x -d 'requests of one connection at a stretch'
complete -c opskit -n '__opskit_in opskit memcached start' -l disable-cas -s C -d 'no CAS: 8 bytes less for each item'
complete -c opskit -n '__opskit_in opskit memcached start' -l listen-backlog -s b -x -d 'connections that wait to be accepted'
complete -c opskit -n '__opskit_in opskit memcached start' -l protocol -s B -x -a 'auto ascii binary' -d 'ascii, binary or auto'
complete -c opskit -n '__opskit_in opskit memcached start' -l max-item-size -s I -x -d 'largest item (bytes, k or m)'
complete -c opskit -n '__opskit_in opskit memcached start' -l enable-sasl -s S -d 'ask for SASL: the binary protocol only'
complete -c opskit -n '__opskit_in opskit memcached start' -l disable-flush-all -s F -d 'no flush_all'
complete -c opskit -n '__opskit_in opskit memcached start' -l disable-dumping -s X -d 'no cachedump and metadump'
complete -c opskit -n '__opskit_in opskit memcached start' -l disable-watch -s W -d 'no watch'
complete -c opskit -n '__opskit_in opskit memcached start' -l auth-file -s Y -r -F -d 'users and passwords for the ascii protocol'
complete -c opskit -n '__opskit_in opskit memcached start' -l memory-file -s e -r -F -d 'keep items in this file (tmpfs) over a restart by SIGUSR1'
complete -c opskit -n '__opskit_in opskit memcached start' -l enable-ssl -s Z -d 'TLS'
complete -c opskit -n '__opskit_in opskit memcached start' -l napi-ids -s N -x -d 'choose threads by NAPI id'
complete -c opskit -n '__opskit_in opskit memcached start' -l extended -s o -x -d 'further options, with commas between them'
complete -c opskit -n '__opskit_in opskit memcached start' -l expose -x -d 'Listen on this too: the only way beyond loopback'
complete -c opskit -n '__opskit_in opskit memcached start' -l unit -x -a '(__opskit_units)' -d 'By systemd, now and at boot: memcached.service, or memcached@NAME, which it makes'
complete -c opskit -n '__opskit_in opskit memcached start' -l no-enable -d 'With --unit: not at boot'
complete -c opskit -n '__opskit_in opskit memcached start' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit memcached start' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit memcached start' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit memcached start' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit memcached start' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit memcached start' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit memcached start' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit memcached start' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit memcached start' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit memcached start' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit memcached start' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit memcached start' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit memcached start' -l help -s h -d 'Show this message and exit'

# opskit memcached stop
complete -c opskit -n '__opskit_in opskit memcached stop' -l port -s p -x -d 'By its port'
complete -c opskit -n '__opskit_in opskit memcached stop' -l unix-socket -s s -r -F -d 'By its UNIX socket'
complete -c opskit -n '__opskit_in opskit memcached stop' -l pidfile -s P -r -F -d 'By its pid file'
complete -c opskit -n '__opskit_in opskit memcached stop' -l unit -x -a '(__opskit_units)' -d 'By its systemd unit'
complete -c opskit -n '__opskit_in opskit memcached stop' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit memcached stop' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit memcached stop' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit memcached stop' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit memcached stop' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit memcached stop' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit memcached stop' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit memcached stop' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit memcached stop' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit memcached stop' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit memcached stop' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit memcached stop' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit memcached stop' -l help -s h -d 'Show this message and exit'

# opskit memcached status
complete -c opskit -n '__opskit_in opskit memcached status' -l watch -d 'Draw it anew until Ctrl-C, with graphs over time'
complete -c opskit -n '__opskit_in opskit memcached status' -l interval -x -d 'How long a watch waits between two looks'
complete -c opskit -n '__opskit_in opskit memcached status' -l slabs -d 'One line for each class of sizes: memory, free, waste, evictions, failures'
complete -c opskit -n '__opskit_in opskit memcached status' -l check -d 'Exit 4 when there are findings'
complete -c opskit -n '__opskit_in opskit memcached status' -l timeout -x -d 'How long to wait for instances that do not answer'
complete -c opskit -n '__opskit_in opskit memcached status' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit memcached status' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit memcached status' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit memcached status' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit memcached status' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit memcached status' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit memcached status' -l help -s h -d 'Show this message and exit'

# opskit yum
complete -c opskit -n '__opskit_at opskit yum 0' -a lock -d 'Show every lock of yum, dnf, microdnf, PackageKit and rpm: its state, who holds it, and what is safe'
complete -c opskit -n '__opskit_at opskit yum 0' -a wait -d 'Wait until no lock of a package manager is held and no cut-off scriptlet runs, then run a command'
complete -c opskit -n '__opskit_at opskit yum 0' -a unlock -d 'Do what is safe in this state, and nothing else: continue what is stopped, interrupt, clear a broken file'
complete -c opskit -n '__opskit_at opskit yum 0' -a why -d 'Show what runs the package manager on this host by itself, when next, and how to keep it out'
complete -c opskit -n '__opskit_in opskit yum' -l help -s h -d 'Show this message and exit'

# opskit yum lock
complete -c opskit -n '__opskit_in opskit yum lock' -l installroot -x -a '(__fish_complete_directories)' -d 'The locks below this root, not the host\'s own'
complete -c opskit -n '__opskit_in opskit yum lock' -l sample -x -d 'How long to watch what a holder does'
complete -c opskit -n '__opskit_in opskit yum lock' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit yum lock' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit yum lock' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit yum lock' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit yum lock' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit yum lock' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit yum lock' -l help -s h -d 'Show this message and exit'

# opskit yum wait
complete -c opskit -n '__opskit_in opskit yum wait' -l installroot -x -a '(__fish_complete_directories)' -d 'The locks below this root, not the host\'s own'
complete -c opskit -n '__opskit_in opskit yum wait' -l timeout -x -d 'Wait at most so long: 90s, 10m, 2h'
complete -c opskit -n '__opskit_in opskit yum wait' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit yum wait' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit yum wait' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit yum wait' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit yum wait' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit yum wait' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit yum wait' -l help -s h -d 'Show this message and exit'

# opskit yum unlock
complete -c opskit -n '__opskit_in opskit yum unlock' -l installroot -x -a '(__fish_complete_directories)' -d 'The locks below this root, not the host\'s own'
complete -c opskit -n '__opskit_in opskit yum unlock' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit yum unlock' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit yum unlock' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit yum unlock' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit yum unlock' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit yum unlock' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit yum unlock' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit yum unlock' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit yum unlock' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit yum unlock' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit yum unlock' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit yum unlock' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit yum unlock' -l help -s h -d 'Show this message and exit'

# opskit yum why
complete -c opskit -n '__opskit_in opskit yum why' -l hold -x -d 'Keep the timers out for so long: 30m, 2h'
complete -c opskit -n '__opskit_in opskit yum why' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit yum why' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit yum why' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit yum why' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit yum why' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit yum why' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit yum why' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit yum why' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit yum why' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit yum why' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit yum why' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit yum why' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit yum why' -l help -s h -d 'Show this message and exit'

# opskit service
complete -c opskit -n '__opskit_at opskit service 0' -a status -d 'Say whether each service runs, with the evidence: what its manager says is held against /proc'
complete -c opskit -n '__opskit_at opskit service 0' -a why -d 'Say what broke a service, and what would keep it running'
complete -c opskit -n '__opskit_at opskit service 0' -a ensure -d 'Start a service that is dead, once, and see that it lives'
complete -c opskit -n '__opskit_in opskit service' -l help -s h -d 'Show this message and exit'

# opskit service status
complete -c opskit -n '__opskit_in opskit service status' -l container -x -d 'Look in this container of podman or docker'
complete -c opskit -n '__opskit_in opskit service status' -l celery -x -d 'Ask the workers of this Celery app as well: inspect ping'
complete -c opskit -n '__opskit_in opskit service status' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit service status' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit service status' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit service status' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit service status' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit service status' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit service status' -l help -s h -d 'Show this message and exit'

# opskit service why
complete -c opskit -n '__opskit_in opskit service why' -l container -x -d 'Look in this container of podman or docker'
complete -c opskit -n '__opskit_in opskit service why' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit service why' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit service why' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit service why' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit service why' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit service why' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit service why' -l help -s h -d 'Show this message and exit'

# opskit service ensure
complete -c opskit -n '__opskit_in opskit service ensure' -l container -x -d 'Look in this container of podman or docker'
complete -c opskit -n '__opskit_in opskit service ensure' -l for -x -d 'How long it has to live for the start to count'
complete -c opskit -n '__opskit_in opskit service ensure' -l restart-policy -d 'Have systemd start the unit again when it fails: a drop-in'
complete -c opskit -n '__opskit_in opskit service ensure' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit service ensure' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit service ensure' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit service ensure' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit service ensure' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit service ensure' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit service ensure' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit service ensure' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit service ensure' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit service ensure' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit service ensure' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit service ensure' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit service ensure' -l help -s h -d 'Show this message and exit'

# opskit status
complete -c opskit -n '__opskit_in opskit status' -l only -x -a 'disk journal memcached service yum history' -d 'Only this area'
complete -c opskit -n '__opskit_in opskit status' -l watch -d 'Draw it anew until Ctrl-C'
complete -c opskit -n '__opskit_in opskit status' -l interval -x -d 'How long a watch waits between two looks'
complete -c opskit -n '__opskit_in opskit status' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit status' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit status' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit status' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit status' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit status' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit status' -l help -s h -d 'Show this message and exit'

# opskit check
complete -c opskit -n '__opskit_in opskit check' -a 'disk journal memcached service yum history'
complete -c opskit -n '__opskit_in opskit check' -l format -x -a 'text json nagios prometheus' -d 'text, json, nagios (exits 0 to 3), or prometheus (node_exporter\'s textfile collector)'
complete -c opskit -n '__opskit_in opskit check' -l output -r -F -d 'Where the metrics go, with --format prometheus'
complete -c opskit -n '__opskit_in opskit check' -l install-timer -x -d 'Have systemd run this check so often: 10m, 1h'
complete -c opskit -n '__opskit_in opskit check' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit check' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit check' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit check' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit check' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit check' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit check' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit check' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit check' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit check' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit check' -l help -s h -d 'Show this message and exit'

# opskit history
complete -c opskit -n '__opskit_at opskit history 0' -a show -d 'Show each step of a run with its commands, times and output'
complete -c opskit -n '__opskit_at opskit history 0' -a prune -d 'Take old runs out of the ledger: those that an undo cannot need any more'
complete -c opskit -n '__opskit_in opskit history' -l limit -x -d 'Only the newest so many'
complete -c opskit -n '__opskit_in opskit history' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit history' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit history' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit history' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit history' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit history' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit history' -l help -s h -d 'Show this message and exit'

# opskit history show
complete -c opskit -n '__opskit_at opskit history show 0' -a '(__opskit_runs)'
complete -c opskit -n '__opskit_in opskit history show' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit history show' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit history show' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit history show' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit history show' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit history show' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit history show' -l help -s h -d 'Show this message and exit'

# opskit history prune
complete -c opskit -n '__opskit_in opskit history prune' -l older-than -x -d 'Runs that began longer ago: 1y, 6month'
complete -c opskit -n '__opskit_in opskit history prune' -l all -d 'Also runs that could still be undone'
complete -c opskit -n '__opskit_in opskit history prune' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit history prune' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit history prune' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit history prune' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit history prune' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit history prune' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit history prune' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit history prune' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit history prune' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit history prune' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit history prune' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit history prune' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit history prune' -l help -s h -d 'Show this message and exit'

# opskit undo
complete -c opskit -n '__opskit_at opskit undo 0' -a '(__opskit_runs)'
complete -c opskit -n '__opskit_in opskit undo' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit undo' -l format -x -a 'text sh json' -d 'The plan as text, sh (a script) or json'
complete -c opskit -n '__opskit_in opskit undo' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit undo' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit undo' -l only-plan -x -d 'Carry out the plan of this token, or nothing'
complete -c opskit -n '__opskit_in opskit undo' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit undo' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit undo' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit undo' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit undo' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit undo' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit undo' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit undo' -l help -s h -d 'Show this message and exit'

# opskit findings
complete -c opskit -n '__opskit_in opskit findings' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit findings' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit findings' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit findings' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit findings' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit findings' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit findings' -l help -s h -d 'Show this message and exit'

# opskit doctor
complete -c opskit -n '__opskit_in opskit doctor' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit doctor' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit doctor' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit doctor' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit doctor' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit doctor' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit doctor' -l help -s h -d 'Show this message and exit'

# opskit schema
complete -c opskit -n '__opskit_in opskit schema' -l of -x -a 'envelope facts' -d 'envelope'
complete -c opskit -n '__opskit_in opskit schema' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit schema' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit schema' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit schema' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit schema' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit schema' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit schema' -l help -s h -d 'Show this message and exit'

# opskit completion
complete -c opskit -n '__opskit_at opskit completion 0' -a 'bash zsh fish man man-disk man-du man-df man-journal man-memcached man-yum man-service man-status man-check man-history man-undo man-findings man-doctor man-schema man-completion'
complete -c opskit -n '__opskit_in opskit completion' -l install -d 'Write the file: root for all users, another user for himself'
complete -c opskit -n '__opskit_in opskit completion' -l dry-run -s n -d 'Show the plan and change nothing'
complete -c opskit -n '__opskit_in opskit completion' -l exit-code -d 'With -n: exit 3 when there are changes to make'
complete -c opskit -n '__opskit_in opskit completion' -l yes -s y -d 'Answer the question with yes'
complete -c opskit -n '__opskit_in opskit completion' -l lock-timeout -x -d 'Wait so long for another opskit: 30s, 5m'
complete -c opskit -n '__opskit_in opskit completion' -l json -d 'Answer with one JSON envelope'
complete -c opskit -n '__opskit_in opskit completion' -l quiet -s q -d 'Say nothing on success'
complete -c opskit -n '__opskit_in opskit completion' -l verbose -s v -d 'Show each command'
complete -c opskit -n '__opskit_in opskit completion' -l color -x -a 'auto always never' -d 'auto, always or never'
complete -c opskit -n '__opskit_in opskit completion' -l debug -d 'Show a traceback with an error'
complete -c opskit -n '__opskit_in opskit completion' -l state-dir -x -a '(__fish_complete_directories)' -d 'Where ledger, lock and log are kept'
complete -c opskit -n '__opskit_in opskit completion' -l help -s h -d 'Show this message and exit'
