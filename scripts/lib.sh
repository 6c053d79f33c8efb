# What scripts/test, scripts/demo and scripts/bench share. Sourced by bash, with the repository as the working directory.

OLDEST=9
NEWEST=13

# The interpreters from Python 3.9 to 3.13 that this machine has and that can make an environment: one path a
# line, the oldest first. Both the PATH's and pyenv's; one for each minor version.
pythons() {
  local minor candidate
  for ((minor = OLDEST; minor <= NEWEST; minor++)); do
    # `python3` too: a host may have no python3.X beside it. A pyenv shim that leads nowhere fails the check.
    for candidate in "python3.$minor" python3 "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3."$minor".*/bin/python; do
      if "$candidate" -c "import sys, ensurepip, ssl; sys.exit(sys.version_info[:2] != (3, $minor))" 2>/dev/null; then
        "$candidate" -c 'import sys; print(sys.executable)'
        break
      fi
    done
  done
}

# Run a command silently; if it fails, show what it said.
quietly() {
  local log status=0
  log=$(mktemp)
  "$@" >"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    cat "$log" >&2
    echo "failed (exit $status): $*" >&2
  fi
  rm -f "$log"
  return "$status"
}

# What the main job needs on a disk. A line: program:its package on Debian:on the EL family.
DISK_NEEDS='
losetup:mount:util-linux
partx:util-linux:util-linux
sfdisk:fdisk:util-linux
parted:parted:parted
mkfs.ext4:e2fsprogs:e2fsprogs
'

# install_needs NEEDS: install the programs that are missing, and a Python. Without root, or where a package cannot
# be had, say so: it is for the caller to go on without it, or not.
install_needs() {
  local program debian el me=scripts/${0##*/} packages=() missing=()
  while IFS=: read -r program debian el; do
    [ -n "$program" ] || continue
    if ! [ -e "/${program#/}" ] && ! PATH="$PATH:/usr/sbin:/sbin" command -v "$program" >/dev/null; then
      missing+=("$program")
      if command -v apt-get >/dev/null; then packages+=("$debian"); else packages+=("$el"); fi
    fi
  done <<<"$1"
  if [ -z "$(pythons)" ]; then
    missing+=("Python 3.$OLDEST to 3.$NEWEST with venv")
    if command -v apt-get >/dev/null; then packages+=(python3 python3-venv); else packages+=(python3 python3-pip); fi
  fi
  [ ${#missing[@]} -eq 0 ] && return
  if [ "$(id -u)" -ne 0 ]; then
    echo "$me: missing, and only root can install it (${packages[*]}): ${missing[*]}" >&2
  elif command -v apt-get >/dev/null; then
    echo "== installing ${packages[*]}"
    quietly apt-get -qq update &&
      # Another apt at work is waited for.
      DEBIAN_FRONTEND=noninteractive quietly apt-get -o DPkg::Lock::Timeout=300 -qq install --yes \
        --no-install-recommends "${packages[@]}" ||
      echo "$me: not all of it could be installed: ${missing[*]}" >&2
  else
    echo "== installing ${packages[*]}"
    local installer=dnf package
    command -v dnf >/dev/null || installer=yum
    # One by one: fish and mandoc come from EPEL, which a host need not have.
    for package in "${packages[@]}"; do
      quietly "$installer" --quiet --assumeyes install "$package" ||
        echo "$me: $package could not be installed" >&2
    done
  fi
}

# environment DIR PYTHON EXTRAS: a virtual environment in DIR with opskit installed from this checkout, EXTRAS
# as in pip's '.[EXTRAS]' ("" for none). What is there already and fits is kept: its needs by the text of
# pyproject.toml, opskit itself by the text of its files.
environment() {
  local directory=$1 python=$2 extras=$3 needs source
  needs="$("$python" -c 'import sys; print(sys.version, sys.prefix)') [$extras] $(sha256sum <pyproject.toml)"
  source=$(find opskit completions -type f ! -name '*.pyc' | LC_ALL=C sort | cat - <(echo pyproject.toml) | xargs sha256sum | sha256sum)
  mkdir -p .cache
  (
    flock 9
    if [ "$(cat "$directory/needs" 2>/dev/null)" != "$needs" ]; then
      if [ -e "$directory" ] && [ ! -e "$directory/needs" ]; then
        echo "$directory was not made by these scripts, or was not finished: remove it, or name another place" >&2
        exit 1
      fi
      quietly "$python" -m venv --clear "$directory"
      touch "$directory/needs"
      quietly "$directory/bin/python" -m pip install --disable-pip-version-check ".${extras:+[$extras]}"
      echo "$source" >"$directory/source"
      echo "$needs" >"$directory/needs"
    elif [ "$(cat "$directory/source" 2>/dev/null)" != "$source" ]; then
      quietly "$directory/bin/python" -m pip install --disable-pip-version-check --no-deps --force-reinstall .
      echo "$source" >"$directory/source"
    fi
  ) 9>.cache/lock
}
