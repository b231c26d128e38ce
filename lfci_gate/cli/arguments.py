"""Parsers whose errors are errors of ours, with the options that every verb has."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

from lfci_gate.cli.output import COLORS, FORMATS
from lfci_gate.errors import UsageError

if TYPE_CHECKING:
    from _typeshed import SupportsWrite

    from lfci_gate.clone.settings import Settings
    from lfci_gate.model import Engine

__all__ = [
    "Parser",
    "actions",
    "add_engine_option",
    "add_key_option",
    "add_runner_options",
    "engine_of",
    "runner_of",
    "verb_parser",
]


class Parser(argparse.ArgumentParser):
    """An argument parser that neither prints errors nor exits with them.

    It has `--color` and, unless it is ``plain``, `--format`. Raises UsageError LFCI514.
    """

    stream: TextIO | None = None
    """Where `--help` goes."""

    def __init__(self, **options: Any) -> None:
        self._plain = bool(options.pop("plain", False))
        self._complete = False
        self._shows = False
        self.joined: set[str] = set()
        """Options whose value, if any, is joined by `=`: the word after them is something else."""
        options.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        # Abbreviations would make every new option a change of meaning.
        super().__init__(**{**options, "allow_abbrev": False})

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As in argparse; the options of all verbs come last, also in help."""
        if not self._complete:
            self._complete = True
            shown = self.add_argument_group("output")
            # SUPPRESS: `session --format json start` and `session start --format json` are the same.
            if not self._plain:
                shown.add_argument(
                    "--format", choices=FORMATS, default=argparse.SUPPRESS, help="default: text"
                )
            shown.add_argument("--color", choices=COLORS, default=argparse.SUPPRESS, help="default: auto")
        if self.joined and args is not None:
            args = [f"{word}=" if word in self.joined else word for word in args]
        return super().parse_known_args(args, namespace)

    def _get_formatter(self) -> argparse.HelpFormatter:
        # argparse makes one for each option that is added, to try its metavar. The width of the terminal
        # is of no interest then, and asking for it imports shutil and two compression libraries.
        if self._shows:
            return super()._get_formatter()
        return argparse.HelpFormatter(self.prog, width=80)

    def format_help(self) -> str:
        self._shows = True
        return super().format_help()

    def format_usage(self) -> str:
        self._shows = True
        return super().format_usage()

    def error(self, message: str) -> NoReturn:
        raise UsageError("LFCI514", message, hint=f"{self.prog} --help")

    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        super().print_help(file or self.stream)


def verb_parser(verb: str, summary: str, stream: TextIO) -> Parser:
    """The parser of one verb, before its module adds arguments."""
    parser = Parser(prog=f"lfci {verb}", description=summary[0].upper() + summary[1:] + ".")
    parser.stream = stream
    return parser


def actions(
    parser: argparse.ArgumentParser,
    summaries: dict[str, str],
    *,
    plain: tuple[str, ...] = (),
    dest: str = "action",
) -> dict[str, Parser]:
    """Parsers of a verb's actions (`session start`), by name; ``args.action`` says which was asked.

    Arguments: ``plain`` are actions whose `--format` means something of their own; ``dest`` is another
    name for ``action``, for actions of an action.
    """
    group = parser.add_subparsers(
        dest=dest, metavar="ACTION", required=True, title="actions", parser_class=Parser
    )
    made: dict[str, Parser] = {}
    for name, summary in summaries.items():
        description = summary[0].upper() + summary[1:] + "."
        made[name] = group.add_parser(name, help=summary, description=description, plain=name in plain)
        made[name].stream = getattr(parser, "stream", None)
    return made


def add_key_option(parser: argparse.ArgumentParser) -> None:
    """`--key`, as everywhere."""
    parser.add_argument(
        "--key",
        metavar="KEY",
        help="private key file, or ssh-agent:<public key> (default: LFCI_KEY, git config lfci.key,"
        " then $XDG_CONFIG_HOME/lfci/key)",
    )


def add_engine_option(parser: argparse.ArgumentParser) -> None:
    """`--engine`, of the verbs that may run checks."""
    parser.add_argument(
        "--engine",
        choices=("develop", "build"),
        help="develop: in a sandbox here (default, where the target's rule takes it); build: realise the"
        " derivation",
    )


def add_runner_options(parser: argparse.ArgumentParser) -> None:
    """`--runner[=SOCKET]` and `--local`, of the verbs that may run checks."""
    assert isinstance(parser, Parser)
    parser.joined.add("--runner")
    parser.add_argument(
        "--runner",
        nargs="?",
        metavar="=SOCKET",
        help="let a runner check and sign (without =SOCKET: LFCI_RUNNER, git config lfci.runner,"
        " then /run/lfci-runner/socket)",
    )
    parser.add_argument("--local", action="store_true", help="run here although a runner is set")


def runner_of(args: argparse.Namespace, settings: Settings, *, here: bool) -> str | None:
    """The socket of the runner to ask; None where checks run here.

    Arguments: ``here`` says that other options can be followed here only. Raises UsageError LFCI514.
    """
    if args.runner is not None and (here or args.local):
        raise UsageError("LFCI514", "--runner excludes --local and every option about how to run it here")
    return None if here or args.local else settings.runner(args.runner)


def engine_of(name: str | None) -> Engine | None:
    """The engine that was asked for; None: the rule decides."""
    from lfci_gate.model import Engine

    return None if name is None else Engine(name)
