"""The scripts that are part of derivations: the run, the gate behind it, and the probe of a sandbox.

The run script is executed by either engine in its sandbox, and sees the environment of its derivation
exactly as Nix's builder would. What it has to withstand (docs/threat-model.md, class C): `exit 0` in
a shellHook, functions called like builtins, options and traps left behind by setup or a hook, hooks
that remove the build's variables.

How it does: the outer shell reads no functions and no start-up file from the environment
(``bash -p``), never evaluates anything of the project, and believes that the command was run only
when the inner shell wrote the command's status together with a key and ended with that status. Every
trick so ends as "not reached", never as a pass.

The bash is called by the name the derivation has for it: $BASH is a guess when Nix starts the builder.
With structured attributes Nix 2.8 names a file that its sandbox does not show: the one in /build is it.

Develop engine: file descriptor 9 is its socket. A line with a nonce comes in; ``begin``, ``stop
<why>`` and ``end <nonce> <status>`` go out. The nonce stays in the outer shell's memory, and the
descriptor is closed for everything that the project runs (a socket cannot be reopened through /proc
either).

Build engine: no nonce. The script first looks whether it is in the sandbox it should be in (Nix takes
``sandbox = true`` from few users of its daemon, and silently). A command that reached its end is kept,
whatever its status: the run derivation's output holds ``out`` (what the project left), ``status`` and
``world``. The check derivation behind it, :data:`GATE_ARGS`, has an output only when the status is 0.
"""

from __future__ import annotations

from typing import Final

__all__ = [
    "FIXED_ENVIRONMENT",
    "FIXED_LIMITS",
    "FORM",
    "GATE_ARGS",
    "PROBE_ARGS",
    "RUN_ARGS",
    "RUN_SCRIPT",
    "STOPS",
]

FORM: Final = 1
"""Part of the names of our derivations. Goes up with every change of what they are made of, here or in
:mod:`lfci_gate.nix.expression`: so a verifier can tell another version of this package from a lie."""

FIXED_ENVIRONMENT: Final = (
    ("TZ", "UTC"),
    ("LC_ALL", "C.UTF-8"),
    ("SOURCE_DATE_EPOCH", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("IN_NIX_SHELL", "pure"),  # what shellHooks look at to know that they are one
)
"""Set before the shell's hook and the check's own ``env``, both of which may change them."""

FIXED_LIMITS: Final = (
    *(("c", "0"), ("e", "0"), ("f", "16777216"), ("i", "16384"), ("l", "8192"), ("n", "4096")),
    *(("q", "819200"), ("r", "0"), ("s", "8192"), ("u", "16384")),
)
"""Bash's `ulimit` letters and values: what one machine's user and another's daemon would hand down
differently. Where the machine's own limit is lower, it stays."""

STOPS: Final = {95: "output", 96: "world", 97: "tools", 98: "copy", 99: "early"}
"""Status of the outer shell -> why the run is not one. In the build engine it has no other but 0."""

_LIMITS = "\n".join(f"ulimit -{letter} {value}" for letter, value in FIXED_LIMITS)
_EXPORTS = "\n".join(f"  export {name}={value}" for name, value in FIXED_ENVIRONMENT)

# For any POSIX shell, builtins only. Says what is not as in Nix's sandbox; silent when all is. In one,
# the builder is process 1, there is no route to anywhere, and the root holds what Nix puts there.
_WORLD = r"""
lfci_world() {
  if [ "${NIX_BUILD_TOP-}" != /build ] || [ $$ != 1 ]; then echo "no namespaces of its own"; fi
  for lfci_each in /* /.[!.]* /nix/* /etc/* /bin/* /usr/* /usr/bin/*; do
    case $lfci_each in
      /bin | /build | /dev | /etc | /nix | /proc | /tmp | /usr | /nix/store | /usr/bin) ;;
      /etc/group | /etc/hosts | /etc/passwd | /bin/sh | /usr/bin/env) ;;
      *) if [ -e "$lfci_each" ]; then echo "$lfci_each of the host"; fi ;;
    esac
  done
  lfci_each=0
  while read -r lfci_line; do lfci_each=$((lfci_each + 1)); done </proc/net/route
  if [ $lfci_each -gt 1 ]; then echo "a network"; fi
  while read -r lfci_line; do
    case $lfci_line in *" lo") ;; *) echo "a network"; break ;; esac
  done </proc/net/if_inet6
} 2>/dev/null
"""

RUN_SCRIPT: Final = (
    r"""
umask 022
{
"""
    + _LIMITS
    + r"""
} 2>/dev/null
lfci_nonce=
{ IFS= read -r lfci_nonce; } 2>/dev/null 0<&9
if [[ -n $lfci_nonce ]]; then echo begin >&9; fi
lfci_stop() {
  echo "lfci: the command was not run to its end ($*)" >&2
  if [[ -n $lfci_nonce ]]; then echo "stop $2" >&9; fi
  exit "$1"
}
"""
    + _WORLD
    + r"""
if [[ -z $lfci_nonce ]]; then
  lfci_odd=$(lfci_world)
  if [[ -n $lfci_odd ]]; then lfci_stop 96 world "not Nix's build sandbox:" $lfci_odd; fi
fi
lfci_key=$RANDOM-$RANDOM-$RANDOM-$RANDOM
lfci_bash=${builder-} lfci_out=${out-}
lfci_attrs=${NIX_ATTRS_SH_FILE-}
if [[ ! -e $lfci_attrs ]]; then lfci_attrs=/build/.attrs.sh; fi
if [[ -e $lfci_attrs ]]; then
  lfci_bash=$(source "$lfci_attrs" && printf %s "$builder")
  lfci_out=$(source "$lfci_attrs" && printf %s "${outputs[out]}")
fi
(
  exec 9>&-
  set +p
  cd /build
  if [[ -e $lfci_attrs ]]; then
    export NIX_ATTRS_SH_FILE=$lfci_attrs NIX_ATTRS_JSON_FILE=${lfci_attrs%sh}json
    source "$lfci_attrs"
  fi
  export out=/build/out
  if [[ -e ${stdenv-}/setup ]]; then source "$stdenv/setup"; fi
  set +e +u +o pipefail
  trap - EXIT ERR DEBUG
  lfci_src=$src lfci_command=$lfciCommand lfci_hook=$lfciShellHook lfci_environment=$lfciEnvironment
  unset lfciCommand lfciShellHook lfciEnvironment
  lfci_tools() { type -P cp && type -P mkdir && type -P chmod; } >/dev/null
  lfci_prepare() {
    mkdir -p /build/source /build/out /build/home /build/tmp || return
    # Times as in the store where cp can (GNU); one that cannot stops at the option, before copying.
    cp -R --preserve=mode,timestamps "$lfci_src/." /build/source 2>/dev/null ||
      cp -R "$lfci_src/." /build/source || return
    chmod -R u+w /build/source && cd /build/source || return
    lfci_interpreters || :
  }
  # A daemon that lets this user name no sandbox paths: scripts get what they ask for by its own name.
  lfci_interpreters() (
    env= sh=
    [[ -e /usr/bin/env ]] || env=$(type -P env)
    [[ -e /bin/sh ]] || sh=$lfci_bash
    [[ -n $env$sh ]] || exit 0
    shopt -s globstar dotglob nullglob
    for file in **; do
      [[ -f $file && ! -L $file && -x $file ]] || continue
      IFS= read -r -n 2 line <"$file"
      [[ $line == '#!' ]] || continue
      IFS= read -r line <"$file"
      case $line in
        '#!/usr/bin/env '* | '#! /usr/bin/env '*) new=${env:+"#!$env ${line#*/env }"} ;;
        '#!/bin/sh' | '#! /bin/sh' | '#!/bin/sh '* | '#! /bin/sh '*) new=${sh:+"#!$sh${line#*/sh}"} ;;
        *) new= ;;
      esac
      [[ -n $new ]] || continue
      { printf '%s\n' "$new" && tail -n +2 "$file"; } >/build/.lfci-script &&
        cp /build/.lfci-script "$file" && touch -r "$lfci_src/$file" "$file"
    done
  )
  lfci_places() {
    export out=/build/out HOME=${HOME:-/build/home}
    export TMPDIR=${TMPDIR:-/build/tmp} TMP=${TMP:-/build/tmp}
    export TEMP=${TEMP:-/build/tmp} TEMPDIR=${TEMPDIR:-/build/tmp}
  }
  HOME= TMPDIR= TMP= TEMP= TEMPDIR=
  lfci_places
"""
    + _EXPORTS
    + r"""
  eval "$lfci_environment"
  lfci_prepared=
  if lfci_tools; then
    lfci_prepare || { echo "lfci: cannot copy the source into /build" >&2; exit 98; }
    lfci_prepared=1
  fi
  eval "$lfci_hook"
  lfci_places
  eval "$lfci_environment"
  if [[ -z $lfci_prepared ]]; then
    lfci_tools || exit 97
    lfci_prepare || { echo "lfci: cannot copy the source into /build" >&2; exit 98; }
  fi
  if "$lfci_bash" -euc "$lfci_command"; then lfci_status=0; else lfci_status=$?; fi
  builtin printf '%s %s\n%s\n' "$lfci_key" "$lfci_status" "$PATH" >/build/.lfci-status
  builtin exit "$lfci_status"
)
lfci_inner=$?
lfci_line= lfci_path=
{ IFS= read -r lfci_line; IFS= read -r lfci_path; } 2>/dev/null </build/.lfci-status
if [[ $lfci_line != "$lfci_key $lfci_inner" ]]; then
  if [[ $lfci_inner == 97 && -z $lfci_line ]]; then lfci_stop 97 tools; fi
  if [[ $lfci_inner == 98 && -z $lfci_line ]]; then lfci_stop 98 copy; fi
  lfci_stop 99 early "status $lfci_inner"
fi
if [[ -n $lfci_nonce ]]; then
  echo "end $lfci_nonce $lfci_inner" >&9
  exit "$lfci_inner"
fi
# Nix is the engine. What the command has left running must not write while its results are kept.
kill -KILL -1 2>/dev/null
PATH=$lfci_path
lfci_keep() {
  mkdir "$lfci_out" || return
  if [[ ! -d /build/out || -L /build/out ]]; then
    mkdir "$lfci_out/out" || return
  else
    chmod -R u+rwX /build/out
    # The store holds files, links and directories; a pipe or socket is no result.
    shopt -s globstar dotglob nullglob
    for lfci_each in /build/out/**; do
      [[ -f $lfci_each || -L $lfci_each || -d $lfci_each ]] || rm -f "$lfci_each"
    done
    cp -R /build/out "$lfci_out/out" || return
  fi
  lfci_sh=other lfci_env=none
  if [[ ! -e /bin/sh ]]; then lfci_sh=none; elif [[ /bin/sh -ef $lfci_bash ]]; then lfci_sh=own; fi
  if [[ -e /usr/bin/env ]]; then lfci_env=own; fi
  echo "$lfci_sh $lfci_env" >"$lfci_out/world" && echo "$lfci_inner" >"$lfci_out/status"
}
lfci_keep || lfci_stop 95 output
"""
)

RUN_ARGS: Final = ("-p", "-c", RUN_SCRIPT)
"""The arguments of the builder of a run derivation, which must be a bash."""

GATE_ARGS: Final = (
    "-p",
    "-c",
    r"""
IFS= read -r lfci_status <"$run/status"
if [[ $lfci_status == 0 ]]; then echo "$run" >"$out"; exit; fi
echo "lfci: the command ended with status $lfci_status; what it left is in $run" >&2
exit "${lfci_status:-1}"
""",
)
"""The check derivation: it can be built when the run (``$run``) ended with status 0, and only then."""

PROBE_ARGS: Final = (
    "-c",
    _WORLD
    + r"""
lfci_odd=$(lfci_world)
if [ -z "$lfci_odd" ]; then echo sandbox >"$out"; exit; fi
echo $lfci_odd
exit 96
""",
)
"""Built by any POSIX shell where what would be run is not ours: is the sandbox on?"""
