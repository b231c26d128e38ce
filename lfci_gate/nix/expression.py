"""The Nix expression that turns a tree into its check derivation. Pure: text in, text out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lfci_gate.model import CheckDefinition
from lfci_gate.nix.runscript import RUN_ARGS

__all__ = ["ALLOWED_NIX_CONFIG", "DROPPED_ATTRIBUTES", "check_expression", "nix_string", "shell_quote"]

ALLOWED_NIX_CONFIG: Final = (
    "bash-prompt",
    "bash-prompt-prefix",
    "bash-prompt-suffix",
    "commit-lock-file-summary",
    "commit-lockfile-summary",
    "warn-dirty",
)
"""Keys of a flake's nixConfig that cannot change where anything comes from or how it is built."""

DROPPED_ATTRIBUTES: Final = (
    # A fixed output, an impure or an unsandboxed derivation has the network in Nix's own sandbox.
    *("outputHash", "outputHashAlgo", "outputHashMode", "__impure", "__contentAddressed", "__noChroot"),
    *("impureEnvVars", "__impureHostDeps", "__sandboxProfile", "__darwinAllowLocalNetworking"),
    # Conditions on the shell's own output, which is not what is built.
    *(
        "allowedReferences",
        "allowedRequisites",
        "disallowedReferences",
        "disallowedRequisites",
        "outputChecks",
    ),
)

_EXPRESSION: Final = r"""
let
  flake = builtins.getFlake @flake@;
  system = @system@;
  config = (import (flake.outPath + "/flake.nix")).nixConfig or { };
  refused = builtins.attrNames (removeAttrs config [ @allowed@ ]);
  shells = flake.devShells.${system} or { };
  shell = shells.${@shell@};
  builder = baseNameOf (toString (shell.builder or "none"));
  attributes = removeAttrs shell.drvAttrs [ @dropped@ ];
  carried = value: { type = "exported"; inherit value; };
  found = {
    inherit system;
    source = flake.outPath;
    env = (derivation (attributes // {
      name = "lfci-env"; shellHook = ""; outputs = [ "out" ]; args = [ ];
    })).drvPath;
    check = (derivation (attributes // {
      name = @name@; src = flake.outPath; shellHook = ""; outputs = [ "out" ];
      lfciShellHook = shell.shellHook or ""; lfciCommand = @command@; lfciEnvironment = @environment@;
      args = [ @args@ ];
    })).drvPath;
    carrier = builtins.toFile "lfci-carrier-env" (builtins.toJSON {
      bashFunctions = { };
      # Nix 2.8 wants both, and replaces the value of `out` wherever it stands: it must stand nowhere else.
      variables = { outputs = carried "out"; out = carried "/nonexistent/lfci-carrier"; };
    });
  };
in
if refused != [ ] then { problem = "nixConfig"; names = refused; }
else if !(shells ? ${@shell@}) then { problem = "shell"; names = builtins.attrNames shells; }
else if !(shell ? drvAttrs) then { problem = "kind"; names = [ "it is no derivation" ]; }
else if (shell.system or system) != system then
  { problem = "kind"; names = [ "it is for ${shell.system}" ]; }
else if builder != "bash" then
  { problem = "kind"; names = [ "its builder is not a bash but ${builder}" ]; }
else if shell.drvAttrs ? exportReferencesGraph then
  { problem = "kind"; names = [ "it uses exportReferencesGraph" ]; }
else found
"""


def check_expression(directory: str, nar_hash: str, system: str, check: CheckDefinition) -> str:
    """The expression for ``nix eval --json`` (design: docs/decisions, "One derivation for both engines").

    Evaluates to ``{source, env, check, carrier, system}`` or to ``{problem, names}``.

    Arguments:
        directory: absolute path of the exported tree, of characters that no URL escapes (versions of
            Nix differ in whether they unescape); only its content gets into the result.
        nar_hash: its hash; pins the flake, so that evaluation stays pure.
        system: e.g. ``x86_64-linux``.
        check: one with ``run``.
    """
    assert check.run is not None
    command = check.run if isinstance(check.run, str) else " ".join(map(shell_quote, check.run))
    environment = "\n".join(f"export {name}={shell_quote(value)}" for name, value in check.env)
    values = {
        "flake": nix_string(f"path:{directory}?narHash={_query(nar_hash)}"),
        "system": nix_string(system),
        "shell": nix_string(check.shell),
        "name": nix_string(f"lfci-check-{_store_name(check.name)}"),
        "command": nix_string(command),
        "environment": nix_string(environment),
        "allowed": _strings(ALLOWED_NIX_CONFIG),
        "dropped": _strings(DROPPED_ATTRIBUTES),
        "args": _strings(RUN_ARGS),
    }
    pieces = _EXPRESSION.split("@")
    return "".join(values[piece] if index % 2 else piece for index, piece in enumerate(pieces))


def nix_string(text: str) -> str:
    """A Nix string literal of ``text`` (Nix manual, "String literal")."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def shell_quote(text: str) -> str:
    """``text`` as one word of a POSIX shell."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def _strings(values: Iterable[str]) -> str:
    return " ".join(map(nix_string, values))


def _query(text: str) -> str:
    return "".join(char if char.isalnum() else f"%{ord(char):02X}" for char in text)


def _store_name(name: str) -> str:
    return "".join(char if char.isascii() and (char.isalnum() or char in "+-._?=") else "-" for char in name)
