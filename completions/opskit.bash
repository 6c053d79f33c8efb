# bash completion for opskit. Written by scripts/completions from the tree of commands: do not edit.

# Add the lines of stdin that begin with $cur, quoted as bash would have them typed.
_opskit_add() {
  local word
  while IFS= read -r word; do
    printf -v word %q "$word"
    case $word in "$cur"*) COMPREPLY+=("$word") ;; esac
  done
}

# Every block device that has a size.
_opskit_devices() {
  local entry size
  for entry in /sys/class/block/*; do
    read -r size <"$entry/size" && [ "$size" != 0 ] || continue
    entry=${entry##*/}
    case $entry in ram[0-9]*) continue ;; esac
    printf '/dev/%s\n' "${entry//!//}"
  done 2>/dev/null
}

# Every mount point of a block device; the kernel writes a space as \040.
_opskit_mountpoints() {
  local source place rest
  while read -r source place rest; do
    case $source in /dev/*) printf '%b\n' "$place" ;; esac
  done </proc/self/mounts 2>/dev/null
}

# The newest runs in the ledger, and `last`.
_opskit_runs() {
  echo last
  tail -c 2000000 "${OPSKIT_STATE_DIR:-/var/lib/opskit}/ledger.jsonl" 2>/dev/null |
    sed -n 's/.*"entry": "begin", "run": "\([^"]*\)".*/\1/p'
}

# Every unit that systemd has loaded; a failed one may have a mark before its name.
_opskit_units() {
  systemctl list-units --all --full --plain --no-legend --no-pager 2>/dev/null | sed 's/^[^[:alnum:]_-]*//; s/ .*//'
}

_opskit_files() {
  compopt -o filenames 2>/dev/null
  while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen "$1" -- "$cur")
}

# Complete a value: one of the kinds, or the words themselves.
_opskit_value() {
  local file
  case $1 in
    '') ;;
    @device) _opskit_add < <(_opskit_devices) ;;
    @mountpoint) _opskit_add < <(_opskit_mountpoints) ;;
    @target) _opskit_add < <(_opskit_mountpoints; _opskit_devices) ;;
    @unit) _opskit_add < <(_opskit_units) ;;
    @run) _opskit_add < <(_opskit_runs) ;;
    @file) _opskit_files -f ;;
    @directory) _opskit_files -d ;;
    *) COMPREPLY+=($(compgen -W "$1" -- "$cur")) ;;
  esac
}

# Of the command $1: its subcommands, its options, and the kind of each argument.
_opskit_command() {
  commands= options= kinds=()
  case $1 in
    'opskit') commands='disk du df journal memcached yum service status check fleet history undo findings doctor schema completion' options='--version --help -h' kinds=() ;;
    'opskit disk') commands='list show facts mount umount grow fstab swap' options='--help -h' kinds=() ;;
    'opskit disk list') commands='' options='--all --fstab --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit disk show') commands='' options='--fstab --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@device') ;;
    'opskit disk facts') commands='' options='--fstab --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@directory') ;;
    'opskit disk mount') commands='' options='--fstype --label --table --whole-disk --mount-options --no-fstab --reserved --no-discard --lazy-init --no-lazy-init --wipe --user --domain --password-file --fstab --dry-run -n --format --facts --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@device' '@directory') ;;
    'opskit disk umount') commands='' options='--no-fstab --fstab --dry-run -n --format --facts --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@target') ;;
    'opskit disk grow') commands='' options='--size --add --fstab --dry-run -n --format --facts --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@target') ;;
    'opskit disk fstab') commands='check show backup restore' options='--help -h' kinds=() ;;
    'opskit disk fstab check') commands='' options='--fstab --facts --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit disk fstab show') commands='' options='--fstab --facts --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit disk fstab backup') commands='' options='--fstab --dry-run -n --format --facts --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit disk fstab restore') commands='' options='--fstab --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@file') ;;
    'opskit disk swap') commands='' options='--off --leave-free --no-fstab --fstab --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('' '@file') ;;
    'opskit du') commands='' options='--depth --max-depth -d --summarize -s --top --min-size --threshold -t --files --all -a --dereference -L --dereference-args -D -H --apparent --apparent-size --inodes --one-file-system -x --exclude --exclude-from -X --older-than --by --count-links -l --bytes --total -c --time --null -0 --save --keep --diff --browse --dry-run -n --engine --workers --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@directory') ;;
    'opskit df') commands='' options='--all -a --type -t --exclude-type -x --inodes -i --total --output --print-type -T --bytes --warn --deleted --why --check --timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@directory') ;;
    'opskit journal') commands='usage verify vacuum retain errors' options='--help -h' kinds=() ;;
    'opskit journal usage') commands='' options='--directory -D --root --namespace --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit journal verify') commands='' options='--verify-key --directory -D --root --namespace --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit journal vacuum') commands='' options='--size --files --rotate --keep-copy --namespace --directory -D --root --systemd-version --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit journal retain') commands='' options='--size --namespace --root --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit journal errors') commands='' options='--since --until --boot -b --unit -u --priority -p --top --check --follow -f --namespace --directory -D --root --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit memcached') commands='flags explain lint start stop status' options='--help -h' kinds=() ;;
    'opskit memcached flags') commands='' options='--version --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit memcached explain') commands='' options='--version --sysconfig --unit --pid --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit memcached lint') commands='' options='--version --sysconfig --unit --pid --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit memcached start') commands='' options='--port -p --udp-port -U --unix-socket -s --unix-mask -a --enable-shutdown -A --listen -l --daemon -d --enable-coredumps -r --user -u --memory-limit -m --disable-evictions -M --conn-limit -c --lock-memory -k --pidfile -P --slab-growth-factor -f --slab-min-size --enable-largepages -L --prefix-delimiter -D --threads -t --max-reqs-per-event -R --disable-cas -C --listen-backlog -b --protocol -B --max-item-size -I --enable-sasl -S --disable-flush-all -F --disable-dumping -X --disable-watch -W --auth-file -Y --memory-file -e --enable-ssl -Z --napi-ids -N --extended -o --expose --unit --no-enable --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit memcached stop') commands='' options='--port -p --unix-socket -s --pidfile -P --unit --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit memcached status') commands='' options='--watch --interval --slabs --check --timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit yum') commands='lock wait unlock why' options='--help -h' kinds=() ;;
    'opskit yum lock') commands='' options='--installroot --sample --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit yum wait') commands='' options='--installroot --timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit yum unlock') commands='' options='--installroot --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit yum why') commands='' options='--hold --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit service') commands='status why ensure' options='--help -h' kinds=() ;;
    'opskit service status') commands='' options='--container --celery --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit service why') commands='' options='--container --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit service ensure') commands='' options='--container --for --restart-policy --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit status') commands='' options='--only --watch --interval --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit check') commands='' options='--format --output --install-timer --dry-run -n --exit-code --yes -y --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('disk journal memcached service yum history') ;;
    'opskit fleet') commands='plan show apply resume undo status report run check' options='--help -h' kinds=() ;;
    'opskit fleet plan') commands='' options='--inventory -i --limit -l --forks --user -u --private-key --ask-pass -k --become -b --ask-become-pass -K --ask-vault-pass -J --vault-id --vault-password-file --tool --tool-dir --tool-path --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit fleet show') commands='' options='--diff --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@file') ;;
    'opskit fleet apply') commands='' options='--serial --max-fail --inventory -i --forks --user -u --private-key --ask-pass -k --become -b --ask-become-pass -K --ask-vault-pass -J --vault-id --vault-password-file --tool --tool-dir --tool-path --dry-run -n --exit-code --yes -y --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@file') ;;
    'opskit fleet resume') commands='' options='--max-fail --dry-run -n --exit-code --yes -y --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit fleet undo') commands='' options='--serial --max-fail --dry-run -n --exit-code --yes -y --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit fleet status') commands='' options='--json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit fleet report') commands='' options='--html --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit fleet run') commands='' options='--inventory -i --limit -l --forks --user -u --private-key --ask-pass -k --become -b --ask-become-pass -K --ask-vault-pass -J --vault-id --vault-password-file --tool --tool-dir --tool-path --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit fleet check') commands='' options='--format --output --inventory -i --limit -l --forks --user -u --private-key --ask-pass -k --become -b --ask-become-pass -K --ask-vault-pass -J --vault-id --vault-password-file --tool --tool-dir --tool-path --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('disk journal memcached service yum history') ;;
    'opskit history') commands='show prune' options='--limit --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit history show') commands='' options='--json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@run') ;;
    'opskit history prune') commands='' options='--older-than --all --dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit undo') commands='' options='--dry-run -n --format --exit-code --yes -y --only-plan --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('@run') ;;
    'opskit findings') commands='' options='--json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit doctor') commands='' options='--json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=() ;;
    'opskit schema') commands='' options='--of --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('') ;;
    'opskit completion') commands='' options='--install --dry-run -n --exit-code --yes -y --lock-timeout --json --quiet -q --verbose -v --color --debug --state-dir --help -h' kinds=('bash zsh fish man man-disk man-du man-df man-journal man-memcached man-yum man-service man-status man-check man-fleet man-history man-undo man-findings man-doctor man-schema man-completion') ;;
  esac
}

# Whether the command $1 has an option $2 that takes a value; kind: what that is.
_opskit_option() {
  case "$1 $2" in
    *' --boot'|*' --celery'|*' --conn-limit'|*' --container'|*' --depth'|*' --domain'|*' --exclude'|*' --exclude-type'|*' --expose'|*' --extended'|*' --for'|*' --forks'|*' --hold'|*' --install-timer'|*' --interval'|*' --inventory'|*' --label'|*' --leave-free'|*' --limit'|*' --listen'|*' --listen-backlog'|*' --lock-timeout'|*' --max-depth'|*' --max-fail'|*' --max-item-size'|*' --max-reqs-per-event'|*' --memory-limit'|*' --min-size'|*' --mount-options'|*' --namespace'|*' --napi-ids'|*' --older-than'|*' --only-plan'|*' --pid'|*' --port'|*' --prefix-delimiter'|*' --reserved'|*' --sample'|*' --serial'|*' --since'|*' --size'|*' --slab-growth-factor'|*' --slab-min-size'|*' --systemd-version'|*' --threads'|*' --threshold'|*' --timeout'|*' --tool-path'|*' --top'|*' --type'|*' --udp-port'|*' --unix-mask'|*' --until'|*' --user'|*' --vault-id'|*' --warn'|*' --workers'|*' -I'|*' -N'|*' -R'|*' -U'|*' -m'|*' -o'|*' -t'|'opskit df --output'|'opskit df -x'|'opskit du -d'|'opskit fleet apply -i'|'opskit fleet apply -u'|'opskit fleet check -i'|'opskit fleet check -l'|'opskit fleet check -u'|'opskit fleet plan -i'|'opskit fleet plan -l'|'opskit fleet plan -u'|'opskit fleet run -i'|'opskit fleet run -l'|'opskit fleet run -u'|'opskit journal errors -b'|'opskit journal vacuum --files'|'opskit memcached explain --version'|'opskit memcached flags --version'|'opskit memcached lint --version'|'opskit memcached start -D'|'opskit memcached start -a'|'opskit memcached start -b'|'opskit memcached start -c'|'opskit memcached start -f'|'opskit memcached start -l'|'opskit memcached start -p'|'opskit memcached start -u'|'opskit memcached stop -p') kind='' ;;
    *' --add'|*' --wipe') kind='@device' ;;
    *' --directory'|*' --installroot'|*' --keep-copy'|*' --root'|*' --state-dir'|*' --tool-dir'|'opskit journal errors -D'|'opskit journal usage -D'|'opskit journal vacuum -D'|'opskit journal verify -D') kind='@directory' ;;
    *' --auth-file'|*' --exclude-from'|*' --facts'|*' --fstab'|*' --html'|*' --memory-file'|*' --password-file'|*' --pidfile'|*' --private-key'|*' --save'|*' --sysconfig'|*' --unix-socket'|*' --vault-password-file'|*' --verify-key'|*' -P'|*' -Y'|*' -e'|'opskit check --output'|'opskit du --diff'|'opskit du -X'|'opskit fleet check --output'|'opskit memcached start -s'|'opskit memcached stop -s') kind='@file' ;;
    *' --unit'|'opskit journal errors -u') kind='@unit' ;;
    *' --color') kind='auto always never' ;;
    *' --protocol'|*' -B') kind='auto ascii binary' ;;
    *' --tool') kind='auto installed send path' ;;
    *' --only') kind='disk journal memcached service yum history' ;;
    *' --priority'|'opskit journal errors -p') kind='emerg alert crit err warning notice info debug' ;;
    *' --of') kind='envelope facts' ;;
    *' --by') kind='ext age user' ;;
    *' --fstype') kind='ext4 ext3 xfs nfs4 nfs cifs' ;;
    *' --table') kind='gpt dos' ;;
    *' --engine') kind='lstat statx stat' ;;
    'opskit check --format') kind='text json nagios prometheus' ;;
    'opskit fleet check --format') kind='text json prometheus' ;;
    'opskit disk fstab backup --format'|'opskit disk fstab restore --format'|'opskit disk grow --format'|'opskit disk mount --format'|'opskit disk swap --format'|'opskit disk umount --format'|'opskit history prune --format'|'opskit journal retain --format'|'opskit journal vacuum --format'|'opskit memcached start --format'|'opskit memcached stop --format'|'opskit service ensure --format'|'opskit undo --format'|'opskit yum unlock --format'|'opskit yum why --format') kind='text sh json' ;;
    *) return 1 ;;
  esac
}

_opskit() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
  local path=opskit place=0 index word commands options kinds
  COMPREPLY=()
  # bash has split --option=value at the sign.
  if [ "$cur" = '=' ]; then
    cur=
  elif [ "$prev" = '=' ]; then
    prev=${COMP_WORDS[COMP_CWORD-2]}
  fi
  _opskit_command "$path"
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=${COMP_WORDS[index]}
    case $word in
      -*)
        if _opskit_option "$path" "$word"; then
          [ "${COMP_WORDS[index+1]-}" = '=' ] && index=$((index + 1))
          index=$((index + 1))
        fi
        ;;
      *)
        case " $commands " in
          *" $word "*) path="$path $word"; _opskit_command "$path" ;;
          *) place=$((place + 1)) ;;
        esac
        ;;
    esac
  done
  case $prev in
    -*)
      if kind=$(_opskit_option "$path" "$prev" && echo "$kind"); then
        _opskit_value "$kind"
        return
      fi
      ;;
  esac
  case $cur in
    -*) COMPREPLY=($(compgen -W "$options" -- "$cur")) ;;
    *)
      COMPREPLY=($(compgen -W "$commands" -- "$cur"))
      _opskit_value "${kinds[place]-}"
      ;;
  esac
}

complete -F _opskit opskit
