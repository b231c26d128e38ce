#!/bin/sh
# lfci-gate chain: @HOOK@
# lfci-gate shim version: 1
#
# The hook that was here before is the file beside this one whose name ends in .legacy. It runs
# first, with the same arguments and input; then lfci's. `lfci install --uninstall` puts it back.

hook=@HOOK@
shim=@SHIM@
legacy=$(dirname "$0")/$hook.legacy

if [ "$hook" = pre-push ]; then
  # Both read all of git's list of refs; the dot keeps its last newline.
  input=$(cat && echo .)
  input=${input%.}
  if [ -x "$legacy" ]; then
    printf %s "$input" | "$legacy" "$@" || exit
  fi
  printf %s "$input" | "$shim" "$@"
  exit
fi

status=0
if [ -x "$legacy" ]; then
  "$legacy" "$@" || status=$?
fi
if [ "$status" -eq 0 ] || [ "$hook" = post-checkout ]; then
  "$shim" "$@"
fi
exit "$status"
