"""The one run script: part of every check derivation, run by either engine in its sandbox.

It sees the environment of the check derivation exactly as Nix's builder would. What it has to
withstand (docs/threat-model.md, class C): `exit 0` in a shellHook, functions called like builtins,
options and traps left behind by setup or a hook, hooks that remove the build's variables.

How it does: the outer shell reads no functions and no start-up file from the environment
(``bash -p``), never evaluates anything of the project, and believes that the command was run only
when the inner shell wrote the command's status together with a key and ended with that status. Every
trick so ends as "not reached", never as a pass.

The bash is called by the name the derivation has for it: $BASH is a guess when Nix starts the builder.
With structured attributes Nix 2.8 names a file that its sandbox does not show: the one in /build is it.

File descriptor 9 is the engine's socket: a line with a nonce comes in; ``begin``, ``stop <why>`` and
``end <nonce> <status>`` go out. The nonce stays in the outer shell's memory, and the descriptor is
closed for everything that the project runs (a socket cannot be reopened through /proc either).
Without it (Nix as the engine) the results are copied to the derivation's output, last of all.
"""

from __future__ import annotations

from typing import Final

__all__ = ["FIXED_ENVIRONMENT", "RUN_ARGS", "RUN_SCRIPT"]

FIXED_ENVIRONMENT: Final = (
    ("TZ", "UTC"),
    ("LC_ALL", "C.UTF-8"),
    ("SOURCE_DATE_EPOCH", "1"),
    ("PYTHONHASHSEED", "0"),
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("IN_NIX_SHELL", "pure"),  # what shellHooks look at to know that they are one
)
"""Set before the shell's hook and the check's own ``env``, both of which may change them."""

_EXPORTS = "\n".join(f"  export {name}={value}" for name, value in FIXED_ENVIRONMENT)

RUN_SCRIPT: Final = (
    r"""
umask 022
lfci_nonce=
{ IFS= read -r lfci_nonce; } 2>/dev/null 0<&9
if [[ -n $lfci_nonce ]]; then echo begin >&9; fi
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
    chmod -R u+w /build/source && cd /build/source
  }
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
  lfci_why=early
  if [[ $lfci_inner == 97 && -z $lfci_line ]]; then lfci_why=tools; fi
  if [[ $lfci_inner == 98 && -z $lfci_line ]]; then lfci_why=copy; fi
  echo "lfci: the command was not run to its end ($lfci_why, status $lfci_inner)" >&2
  if [[ -n $lfci_nonce ]]; then echo "stop $lfci_why" >&9; fi
  exit 99
fi
if [[ -n $lfci_nonce ]]; then
  echo "end $lfci_nonce $lfci_inner" >&9
  exit "$lfci_inner"
fi
if [[ $lfci_inner != 0 ]]; then exit "$lfci_inner"; fi
PATH=$lfci_path
mkdir /build/out/lfci && echo "$lfci_inner" >/build/out/lfci/status && cp -R /build/out "$lfci_out"
"""
)

RUN_ARGS: Final = ("-p", "-c", RUN_SCRIPT)
"""The arguments of the builder, which must be a bash."""
