"""The Nix expression that turns a tree into its check derivation. Pure: text in, text out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lfci_gate.model import CheckDefinition
from lfci_gate.nix.runscript import FORM, GATE_ARGS, PROBE_ARGS, RUN_ARGS

__all__ = [
    "ALLOWED_NIX_CONFIG",
    "DROPPED_ATTRIBUTES",
    "check_expression",
    "flake_check_expression",
    "form_of",
    "nix_string",
    "shell_quote",
]

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
    # What a builder may ask of Nix's machine: access to the daemon, several users, devices.
    "requiredSystemFeatures",
)

_FLAKE: Final = r"""
  flake = builtins.getFlake @flake@;
  system = @system@;
  config = (import (flake.outPath + "/flake.nix")).nixConfig or { };
  refused = builtins.attrNames (removeAttrs config [ @allowed@ ]);
"""

_EXPRESSION: Final = (
    "let"
    + _FLAKE
    + r"""
  shells = flake.devShells.${system} or { };
  shell = shells.${@shell@};
  builder = baseNameOf (toString (shell.builder or "none"));
  attributes = removeAttrs shell.drvAttrs [ @dropped@ ];
  carried = value: { type = "exported"; inherit value; };
  run = derivation (attributes // {
    name = @run@; src = flake.outPath; shellHook = ""; outputs = [ "out" ];
    lfciShellHook = shell.shellHook or ""; lfciCommand = @command@; lfciEnvironment = @environment@;
    args = [ @args@ ];
  });
  found = {
    inherit system;
    source = flake.outPath;
    env = (derivation (attributes // {
      name = "lfci-env"; shellHook = ""; outputs = [ "out" ]; args = [ ];
    })).drvPath;
    run = run.drvPath;
    # Its output exists when the command ended with status 0, and only then.
    check = (derivation {
      name = @name@; inherit system run; inherit (shell) builder; args = [ @gate@ ];
    }).drvPath;
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
)

_FLAKE_CHECK: Final = (
    "let"
    + _FLAKE
    + r"""
  checks = flake.checks.${system} or { };
  check = checks.${@name@};
  builder = baseNameOf (toString (check.builder or "none"));
in
if refused != [ ] then { problem = "nixConfig"; names = refused; }
else if !(checks ? ${@name@}) then { problem = "flake"; names = builtins.attrNames checks; }
else if !(check ? drvAttrs && check ? drvPath) then
  { problem = "flake kind"; names = [ "it is no derivation" ]; }
else if (check.system or system) != system then
  { problem = "flake kind"; names = [ "it is for ${check.system}" ]; }
else if !(builtins.elem builder [ @shells@ ]) then
  { problem = "flake kind"; names = [ "its builder is no shell but ${builder}" ]; }
else {
  inherit system;
  source = flake.outPath;
  check = check.drvPath;
  output = check.outputName or "out";
  probe = (derivation {
    name = "lfci-probe"; inherit system; inherit (check) builder; args = [ @probe@ ]; nonce = @nonce@;
  }).drvPath;
}
"""
)

_SHELLS: Final = ("bash", "sh", "dash", "ash")


def check_expression(directory: str, nar_hash: str, system: str, check: CheckDefinition) -> str:
    """The expression for ``nix eval --json`` (design: docs/decisions, "One derivation for both engines").

    Evaluates to ``{source, env, run, check, carrier, system}`` or to ``{problem, names}``.

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
        **_flake(directory, nar_hash, system),
        "shell": nix_string(check.shell),
        "run": nix_string(f"lfci-run-{FORM}-{_store_name(check.name)}"),
        "name": nix_string(f"lfci-check-{FORM}-{_store_name(check.name)}"),
        "command": nix_string(command),
        "environment": nix_string(environment),
        "dropped": _strings(DROPPED_ATTRIBUTES),
        "args": _strings(RUN_ARGS),
        "gate": _strings(GATE_ARGS),
    }
    return _filled(_EXPRESSION, values)


def flake_check_expression(
    directory: str, nar_hash: str, system: str, check: CheckDefinition, nonce: str
) -> str:
    """As :func:`check_expression`, for a check of the flake's own.

    Evaluates to ``{source, check, output, probe, system}`` or to ``{problem, names}``. ``nonce`` makes
    the probe a derivation that was never built before.
    """
    assert check.flake is not None
    values = {
        **_flake(directory, nar_hash, system),
        "name": nix_string(check.flake.removeprefix("checks.")),
        "shells": _strings(_SHELLS),
        "probe": _strings(PROBE_ARGS),
        "nonce": nix_string(nonce),
    }
    return _filled(_FLAKE_CHECK, values)


def form_of(drv_path: str) -> int | None:
    """The :data:`FORM` of a check derivation of ours, by its name; None for any other derivation."""
    _, mark, rest = drv_path.partition("-lfci-check-")
    number = rest.partition("-")[0]
    return int(number) if mark and number.isascii() and number.isdigit() and len(number) < 5 else None


def _flake(directory: str, nar_hash: str, system: str) -> dict[str, str]:
    return {
        "flake": nix_string(f"path:{directory}?narHash={_query(nar_hash)}"),
        "system": nix_string(system),
        "allowed": _strings(ALLOWED_NIX_CONFIG),
    }


def _filled(template: str, values: dict[str, str]) -> str:
    pieces = template.split("@")
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
