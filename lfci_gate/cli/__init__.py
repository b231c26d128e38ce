"""The command line: `lfci VERB ...`, also reachable as `git lfci VERB`.

:func:`main` looks at the first word and imports that verb's module only: a known result is answered
in a few tens of milliseconds. A verb's module is called like the verb and has ``add_arguments(parser)``
and ``run(args, context) -> int``. Nobody but this package prints or exits.

Exit status: 0 accepted or passed, 1 refused or failed, 2 usage or configuration, 3 could not decide,
130 interrupted.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from importlib import import_module
from typing import TextIO

from lfci_gate.cli.context import Context, utc_now
from lfci_gate.cli.output import Output
from lfci_gate.errors import LfciError, Undecided, UsageError

__all__ = ["VERBS", "main", "run"]

VERBS: dict[str, str] = {
    "init": "declare the project's checks, write a first policy, make a key",
    "install": "set up the git hooks of this clone",
    "session": "open, note and end units of work",
    "check": "run the checks of this tree, or answer from what is known",
    "verify": "judge commits as the forge would",
    "approve": "approve changes of protected paths",
    "land": "bring the change and its evidence to the forge",
    "break-glass": "let one change land without all that the rules ask for, two people together",
    "key": "make and show signing keys",
    "attestation": "look at, export and import attestations",
    "policy": "say what a policy means, before and after it lands; edit it",
    "forge": "set up and look after a bare repository with a gate",
    "runner": "check and sign for others as a service, with a key that they cannot read",
    "env": "enter the environments that checks ran in, and go back to earlier ones",
    "cache": "binary caches of Nix: environments go there and come from there",
    "doctor": "find out what is missing on this machine and in this clone",
    "explain": "say what a code like LFCI104 means and what to do",
    "help": "short texts about flake, policy, checks, land and trust",
    "hook": "what the installed hooks call",
}
"""Every verb and what it does; each has a module of the same name (`_` for `-`) beside this one."""

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """The program: runs the verb that ``argv`` names and returns the exit status.

    Without ``argv`` it is the whole process, and ends it.
    """
    if argv is not None:
        return run(argv)
    gc.disable()  # until the verb is imported: what imports make is no garbage, and looking takes 7 ms
    status = run(sys.argv[1:])
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # closed, or nobody reads it any more
            stream.flush()
    # Everything is written and every child has ended: taking the interpreter apart in good order would
    # only let the user wait another 10 ms, of 90 for a known result.
    os._exit(status)


def run(
    argv: Sequence[str],
    *,
    environ: Mapping[str, str] | None = None,
    directory: str | os.PathLike[str] = os.curdir,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    now: Callable[[], datetime] = utc_now,
) -> int:
    """:func:`main` with everything that it would take from the process as an argument."""
    words = list(argv)
    surroundings = os.environ if environ is None else environ
    output = Output.make(words, surroundings, stdout or sys.stdout, stderr or sys.stderr)
    try:
        status = _dispatch(words, output, surroundings, directory, now)
        output.out.flush()  # here, where a reader that has gone is still noticed
        return status
    except LfciError as error:
        output.error(error)
        return error.exit_status
    except KeyboardInterrupt:
        output.note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        output.abandon()  # the reader has gone (`| head`), and there is nobody to tell
        return Undecided.exit_status
    except Exception as error:  # noqa: BLE001 - the last boundary: a user reads a code, never a traceback
        output.error(_internal(error, surroundings))
        return Undecided.exit_status


def _dispatch(
    words: list[str],
    output: Output,
    environ: Mapping[str, str],
    directory: str | os.PathLike[str],
    now: Callable[[], datetime],
) -> int:
    if not words or words[0] in ("-h", "--help"):
        from lfci_gate.cli.overview import overview

        for line in overview():
            output.line(line)
        return 0 if words else UsageError.exit_status
    if words[0] == "--version":
        from lfci_gate import __version__

        output.line(f"lfci {__version__}")
        return 0
    verb = words[0]
    if verb not in VERBS:
        raise _unknown(verb)
    context = Context(output=output, environ=environ, directory=directory, now=now)
    with context:
        return _run(verb, words[1:], context)


def _run(verb: str, words: list[str], context: Context) -> int:
    if verb == "check" and not {"-h", "--help"} & set(words):
        from lfci_gate.cli.ahead import ask_ahead

        ask_ahead(context.git, words)
    from lfci_gate.cli.arguments import verb_parser

    module = import_module(f"lfci_gate.cli.{verb.replace('-', '_')}")
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    parser = verb_parser(verb, VERBS[verb], context.output.out)
    module.add_arguments(parser)
    try:
        args = parser.parse_args(words)
    except SystemExit as shown:  # --help has printed its text
        return int(shown.code or 0)
    status: int = module.run(args, context)
    return status


def _unknown(verb: str) -> UsageError:
    import difflib

    if verb.startswith("-"):
        return UsageError("LFCI514", f"a verb comes first, not {verb}", hint="lfci --help")
    near = difflib.get_close_matches(verb, VERBS, 1)
    hint = f"lfci {near[0]}" if near else "lfci --help"
    return UsageError("LFCI514", f"there is no verb {verb}", hint=hint)


def _internal(error: Exception, environ: Mapping[str, str]) -> Undecided:
    import traceback

    if environ.get("LFCI_TRACEBACK"):
        traceback.print_exception(error)
    where = traceback.extract_tb(error.__traceback__)[-1]
    return Undecided(
        "LFCI505",
        "something happened that lfci does not understand",
        facts=(
            f"{type(error).__name__}: {error}".splitlines()[0],
            f"in {where.name} ({os.path.basename(where.filename)}:{where.lineno})",
        ),
        hint="report it with what the same command says after: export LFCI_TRACEBACK=1",
    )
