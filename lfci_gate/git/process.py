"""The only module that starts git.

Git is told what it may know: the environment is built from an allow-list, so no variable of a
surrounding hook or of a hostile caller redirects it, and no program that the clone's config
names (hooks, fsmonitor) is run unless the caller says so.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lfci_gate.errors import LfciError, UsageError
from lfci_gate.git.child import end, failure, talk
from lfci_gate.git.environment import allowed, of_receive_hook
from lfci_gate.value import Value

if TYPE_CHECKING:  # a known check and the receive hook ask for no path, and importing this takes 6 ms
    from pathlib import Path

__all__ = ["Git", "failure"]

_NO_FSMONITOR: Final = ("-c", "core.fsmonitor=")
# Empty, not "false": before git 2.36 the value is the path of a program to run.
_NO_HOOKS: Final = ("-c", "core.hooksPath=/dev/null")

_SETTINGS: Final = ("config", "--list", "-z")

_FALSE: Final = frozenset({"false", "no", "off", "0", ""})


class _Layout(Value):
    git_dir: str
    common_dir: str
    hash_name: str
    is_bare: bool
    toplevel: str | None


class Git:
    """Git in one repository.

    Arguments:
        directory: where git starts to look for the repository; need not be its top.
        env: environment to choose from; this process's own when None. Only variables of the
            allow-list reach git.
        extra: variables that are given to git as they are, over all others.
    """

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        env: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self._directory = os.fspath(directory)
        self._git_dir = ""
        """Where it is known without asking: git has told its receive hook."""
        self._started: dict[_Question, subprocess.Popen[bytes]] = {}
        self._env = allowed(os.environ if env is None else env) | dict(extra or {})

    @classmethod
    def receive_hook(cls, directory: str | os.PathLike[str], environ: Mapping[str, str]) -> Git:
        """Git inside a receive hook: sees the pushed objects in their quarantine.

        Arguments:
            directory: the hook's working directory, which ``GIT_DIR`` is relative to.
            environ: the hook's environment.
        """
        git = cls(directory, env={"PATH": environ.get("PATH", os.defpath)}, extra=of_receive_hook(environ))
        if "GIT_DIR" in environ:
            git._git_dir = os.path.realpath(os.path.join(directory, environ["GIT_DIR"]))
        return git

    def with_env(self, extra: Mapping[str, str]) -> Git:
        """The same git with further variables, given to git as they are."""
        return self._like(self._directory, self._env | dict(extra))

    def at(self, directory: str | os.PathLike[str]) -> Git:
        """The same git working in another directory."""
        return self._like(os.fspath(directory), self._env)

    def _like(self, directory: str, env: Mapping[str, str]) -> Git:
        git = Git(directory, env={}, extra=env)
        git._started = self._started
        return git

    # -- asking ahead ------------------------------------------------------------------

    def ahead(self, *args: str, input: bytes = b"", hooks: bool = False) -> None:
        """Starts ``git ARGS`` now, for whoever asks the same of this git next by :meth:`run`,
        :meth:`status` or :meth:`run_at_once`: git looks while Python still imports what will ask.

        Only for questions that are about to be asked anyway, in a process that asks them once: the answer
        is as of now. What cannot be started is told when it is asked. Whoever asks ahead closes at the
        end (:meth:`close`). Arguments: as for run; ``input`` must fit a pipe (4 KiB).
        """
        question = self._question(args, input, hooks)
        if question in self._started:
            return
        try:
            child = self.popen(*args, hooks=hooks, stderr=subprocess.PIPE)
        except LfciError:
            return
        assert child.stdin is not None
        try:
            child.stdin.write(input)
            child.stdin.close()
        except BrokenPipeError:
            pass  # it ended without reading; its answer says why
        child.stdin = None  # else communicate() would flush it
        self._started[question] = child

    def close(self) -> None:
        """Ends what was asked ahead and not wanted after all. Closing twice is allowed."""
        while self._started:
            _, child = self._started.popitem()
            with child:
                end(child)

    def _question(self, args: tuple[str, ...], input: bytes, hooks: bool) -> _Question:
        return args, input, hooks, self._directory, frozenset(self._env.items())

    def _child(self, args: tuple[str, ...], input: bytes, hooks: bool) -> subprocess.Popen[bytes]:
        """The child that answers: started ahead, or now."""
        child = self._started.pop(self._question(args, input, hooks), None)
        return self.popen(*args, hooks=hooks, stderr=subprocess.PIPE) if child is None else child

    # -- running -----------------------------------------------------------------------

    def run(
        self,
        *args: str,
        input: bytes = b"",
        ok: tuple[int, ...] = (0,),
        hooks: bool = False,
        timeout_s: float | None = None,
    ) -> bytes:
        """Standard output of ``git ARGS``.

        Arguments:
            input: standard input.
            ok: statuses that are answers; any other is an error.
            hooks: let git run the repository's hooks (pushes and ref updates).
            timeout_s: seconds after which git is ended.

        Raises Undecided LFCI513 for another status or when time is up, LFCI502 when the file
        system is full; UsageError LFCI510 without a repository or directory, LFCI519 without git.
        """
        status, out, err = self.status(*args, input=input, hooks=hooks, timeout_s=timeout_s)
        if status not in ok:
            raise failure(args, status, err)
        return out

    def status(
        self, *args: str, input: bytes = b"", hooks: bool = False, timeout_s: float | None = None
    ) -> tuple[int, bytes, bytes]:
        """Exit status, standard output and standard error of ``git ARGS``; arguments as for run."""
        child = self._child(args, input, hooks)
        out, err = talk(child, args, input, timeout_s)
        return child.returncode, out, err

    def run_at_once(self, *commands: tuple[str, ...]) -> list[bytes]:
        """Standard output of several commands without input that run beside each other. As run."""
        children = []
        try:
            for args in commands:
                children.append(self._child(args, b"", False))
            answers = [talk(child, args, b"", None) for child, args in zip(children, commands, strict=True)]
        finally:
            for child in children:
                if child.returncode is None:
                    with child:
                        end(child)
        for args, child, (_, err) in zip(commands, children, answers, strict=True):
            if child.returncode != 0:
                raise failure(args, child.returncode, err)
        return [out for out, _ in answers]

    def stream(
        self, *args: str, input: bytes = b"", hooks: bool = True, timeout_s: float | None = None
    ) -> tuple[int, bytes]:
        """Exit status and standard output; standard error goes to ours as it comes.

        For pushes: the user sees git's progress and what the forge says. Hooks run.
        """
        child = self.popen(*args, hooks=hooks, stderr=None)
        out, _ = talk(child, args, input, timeout_s)
        return child.returncode, out

    def popen(self, *args: str, hooks: bool = False, stderr: int | None) -> subprocess.Popen[bytes]:
        """A running ``git ARGS`` with pipes for input and output. Raises as run does."""
        command = ["git", *_NO_FSMONITOR, *(() if hooks else _NO_HOOKS), *args]
        try:
            return subprocess.Popen(
                command,
                cwd=self._directory,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            if os.path.isdir(self._directory):
                raise UsageError("LFCI519", "git cannot be started", facts=(str(error),)) from error
            raise UsageError("LFCI510", "the directory does not exist", facts=(self._directory,)) from error

    # -- the repository ----------------------------------------------------------------

    @cached_property
    def _layout(self) -> _Layout:
        # --show-toplevel last: it is the one question that a bare repository cannot answer.
        questions = ("--absolute-git-dir", "--git-common-dir", "--show-object-format", "--is-bare-repository")
        status, out, err = self.status("rev-parse", "--path-format=absolute", *questions, "--show-toplevel")
        lines = os.fsdecode(out).split("\n")[:-1]
        if len(lines) == len(questions) + 1 and status == 0:
            toplevel = lines.pop()
        elif len(lines) == len(questions):
            toplevel = None
        else:
            raise failure(("rev-parse",), status, err)
        git_dir, common_dir, hash_name, is_bare = lines
        return _Layout(git_dir, common_dir, hash_name, is_bare == "true", toplevel)

    @property
    def directory(self) -> Path:
        """Where git starts to look for the repository."""
        return _path(self._directory)

    @property
    def git_dir_name(self) -> str:
        """:attr:`git_dir` as a string."""
        return self._git_dir or self._layout.git_dir

    @property
    def git_dir(self) -> Path:
        """This working copy's own git directory (below ``worktrees/`` in an added one)."""
        return _path(self.git_dir_name)

    @property
    def common_dir(self) -> Path:
        """The git directory that all working copies of the repository share."""
        return _path(self._layout.common_dir)

    @property
    def hash_name(self) -> str:
        """``sha1`` or ``sha256``."""
        return self._layout.hash_name

    @property
    def is_bare(self) -> bool:
        """Whether the repository has no working copy by its own account."""
        return self._layout.is_bare

    @property
    def toplevel(self) -> Path:
        """Top of the working copy. Raises UsageError LFCI510 where there is none."""
        if self._layout.toplevel is None:
            raise UsageError("LFCI510", "not in a working copy", facts=(self._directory,))
        return _path(self._layout.toplevel)

    @cached_property
    def settings(self) -> Mapping[str, tuple[str, ...]]:
        """All of git's config as this directory sees it: name -> values, the strongest last.

        Section and variable names are lower case, subsections as written. A variable without
        ``=`` has the value ``true``. Read once: one process for any number of questions.
        """
        found: dict[str, tuple[str, ...]] = {}
        # hooks=True: else the list would show our own -c core.hooksPath instead of the repository's.
        for item in os.fsdecode(self.run(*_SETTINGS, hooks=True)).split("\0")[:-1]:
            name, equals, value = item.partition("\n")
            found[name] = (*found.get(name, ()), value if equals else "true")
        return found

    def settings_ahead(self) -> None:
        """Asks ahead (:meth:`ahead`) for what :attr:`settings` will ask."""
        self.ahead(*_SETTINGS, hooks=True)

    def config(self, name: str) -> str | None:
        """The value of one config variable (``lfci.key``), None when it is not set."""
        section, _, rest = name.partition(".")
        subsection, dot, variable = rest.rpartition(".")
        values = self.settings.get(f"{section.lower()}.{subsection}{dot}{variable.lower()}")
        return values[-1] if values else None

    def flag(self, name: str, default: bool) -> bool:
        """A config variable that is a truth value (git-config, "boolean")."""
        value = self.config(name)
        return default if value is None else value.lower() not in _FALSE


_Question = tuple[tuple[str, ...], bytes, bool, str, frozenset[tuple[str, str]]]


def _path(text: str) -> Path:
    from pathlib import Path

    return Path(text)
