#!/usr/bin/env bash
# Makes this checkout ready for its checks: the programs they start, .venv with the locked
# versions of requirements-dev.txt, and the offline world of the tests. Does nothing, quickly,
# when all is there.
#
# On Debian and its children missing packages are installed with apt-get, as root or with
# sudo. Elsewhere it names what is missing and how to get it, and ends with status 1: a
# check that cannot run has failed, it was not skipped.
set -euo pipefail
cd "$(dirname "$0")/../.."

say() { printf 'setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# One line a program: a file or command that shows it is there, its Debian package, and
# what provides it elsewhere.
programs='
git            git             git 2.36 or newer
make           make            GNU make
nix            nix-bin         Nix 2.8 or newer, see https://nixos.org/download
bwrap          bubblewrap      bubblewrap
ssh-keygen     openssh-client  the OpenSSH client tools
/usr/sbin/sshd openssh-server  the OpenSSH server
shellcheck     shellcheck      ShellCheck
setpriv        util-linux      util-linux
systemd-analyze systemd        systemd-analyze: it checks the unit of the runner
diffoscope     diffoscope-minimal diffoscope: what differs between two artifacts
patchelf       patchelf        patchelf: a newer Nix is put beside the installed one
apt-get        apt             apt-get: the offline world of the tests is made from Debian packages
dpkg           dpkg            dpkg: the offline world of the tests is made from Debian packages
'

present() {
  case $1 in
    /*) [ -x "$1" ] ;;
    *) command -v "$1" >/dev/null 2>&1 ;;
  esac
}

# A Python of at least 3.11; "$1" may ask for one more module (ensurepip makes pip in a venv).
find_python() {
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 /usr/bin/python3; do
    if "$candidate" -c "import sys, venv${1:+, $1}; sys.exit(sys.version_info < (3, 11))" >/dev/null 2>&1; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return 0
    fi
  done
  return 1
}

packages=() elsewhere=()
while read -r probe package words; do
  [ -n "$probe" ] || continue
  if ! present "$probe"; then
    packages+=("$package") elsewhere+=("$words")
  fi
done <<<"$programs"
# As root, Nix builds with the users of a group that Debian's nix-bin does not make.
if [ "$(id -u)" = 0 ] && present apt-get && ! getent group nixbld >/dev/null; then
  packages+=(nix-setup-systemd) elsewhere+=("the group nixbld")
fi
if ! find_python ensurepip >/dev/null; then
  packages+=(python3-venv) elsewhere+=("Python 3.11 or newer with venv and ensurepip")
fi

apt() {
  local root=()
  if [ "$(id -u)" != 0 ]; then
    present sudo || die "as root, please: apt-get $*"
    root=(sudo)
  fi
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@" >&2
}

if [ "${#packages[@]}" -gt 0 ]; then
  if present apt-get; then
    say "installing with apt-get: ${packages[*]}"
    # An image may come without package lists, or with old ones: then update once, and try again.
    apt install --no-install-recommends "${packages[@]}" 2>/dev/null ||
      { apt update && apt install --no-install-recommends "${packages[@]}"; } ||
      die "apt-get could not install: ${packages[*]}"
  else
    for words in "${elsewhere[@]}"; do say "missing: $words"; done
    die "install these and run it again (on Debian bookworm they are installed for you)"
  fi
fi

python=$(find_python ensurepip) || die "missing: Python 3.11 or newer with venv and ensurepip"

# Two stamps, each written last: an interrupted set-up is begun anew. The place counts, since
# neither a virtual environment nor an editable install can be moved.
lock=$({ pwd; "$python" -c 'import sys; print(sys.version)'; cat requirements-dev.txt; } | sha256sum)
project=$({ echo "$lock"; cat pyproject.toml; } | sha256sum)

pip() { PIP_DISABLE_PIP_VERSION_CHECK=1 .venv/bin/python -m pip -qq "$@"; }

if [ "$(cat .venv/lock.stamp 2>/dev/null)" != "$lock" ]; then
  say "making .venv with the versions of requirements-dev.txt"
  "$python" -m venv --clear .venv
  pip install --require-hashes --no-deps -r requirements-dev.txt
  printf '%s\n' "$lock" >.venv/lock.stamp
fi
if [ "$(cat .venv/project.stamp 2>/dev/null)" != "$project" ]; then
  pip install --no-index --no-deps --no-build-isolation --editable .
  printf '%s\n' "$project" >.venv/project.stamp
fi

# The flake, the interpreter, tools, the projects that tests run checks in and newer versions of Nix, made from packages once a
# machine; before the tests, because these never download anything.
world() {
  .venv/bin/python -c 'from tests.support import newer_nix, toolbox, world
world.make_world(); world.pluggy_source(); newer_nix.make_newer_nix("trixie")
toolbox.make_toolbox(); toolbox.fastify_error_source(); toolbox.zlib_source()'
}
world 2>/dev/null || { apt update && world; }
# What is in sid changes from day to day, and sometimes cannot be had. Only the tests with it need it.
.venv/bin/python -c 'from tests.support import newer_nix
newer_nix.make_newer_nix("sid")' 2>/dev/null || printf 'setup: the Nix of sid cannot be had now; the tests with it will say so\n' >&2
