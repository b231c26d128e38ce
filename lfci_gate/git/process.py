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
from pathlib import Path
from typing import Final, NamedTuple

from lfci_gate.errors import LfciError, Undecided, UsageError
from lfci_gate.git.environment import allowed, of_receive_hook

__all__ = ["Git", "failure"]

_NO_FSMONITOR: Final = ("-c", "core.fsmonitor=")
# Empty, not "false": before git 2.36 the value is the path of a program to run.
_NO_HOOKS: Final = ("-c", "core.hooksPath=/dev/null")

_FALSE: Final = frozenset({"false", "no", "off", "0", ""})

_NO_REPOSITORY: Final = (b"not a git repository", b"dubious ownership", b"must be run in a work tree")
_NO_SPACE: Final = (b"No space left on device", b"Disk quota exceeded")


class _Layout(NamedTuple):
    git_dir: Path
    common_dir: Path
    hash_name: str
    is_bare: bool
    toplevel: Path | None


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
        directory: Path,
        *,
        env: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
    ) -> None:
        self.directory = directory
        self._env = allowed(os.environ if env is None else env) | dict(extra or {})

    @classmethod
    def receive_hook(cls, directory: Path, environ: Mapping[str, str]) -> Git:
        """Git inside a receive hook: sees the pushed objects in their quarantine.

        Arguments:
            directory: the hook's working directory, which ``GIT_DIR`` is relative to.
            environ: the hook's environment.
        """
        return cls(directory, env={"PATH": environ.get("PATH", os.defpath)}, extra=of_receive_hook(environ))

    def with_env(self, extra: Mapping[str, str]) -> Git:
        """The same git with further variables, given to git as they are."""
        return Git(self.directory, env={}, extra=self._env | dict(extra))

    def at(self, directory: Path) -> Git:
        """The same git working in another directory."""
        return Git(directory, env={}, extra=self._env)

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
        child = self.popen(*args, hooks=hooks, stderr=subprocess.PIPE)
        out, err = _talk(child, args, input, timeout_s)
        return child.returncode, out, err

    def run_at_once(self, *commands: tuple[str, ...]) -> list[bytes]:
        """Standard output of several commands without input that run beside each other. As run."""
        children = []
        try:
            for args in commands:
                children.append(self.popen(*args, stderr=subprocess.PIPE))
            answers = [_talk(child, args, b"", None) for child, args in zip(children, commands, strict=True)]
        finally:
            for child in children:
                if child.returncode is None:
                    with child:
                        _end(child)
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
        out, _ = _talk(child, args, input, timeout_s)
        return child.returncode, out

    def popen(self, *args: str, hooks: bool = False, stderr: int | None) -> subprocess.Popen[bytes]:
        """A running ``git ARGS`` with pipes for input and output. Raises as run does."""
        command = ["git", *_NO_FSMONITOR, *(() if hooks else _NO_HOOKS), *args]
        try:
            return subprocess.Popen(
                command,
                cwd=self.directory,
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
            )
        except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
            if os.path.isdir(self.directory):
                raise UsageError("LFCI519", "git cannot be started", facts=(str(error),)) from error
            raise UsageError(
                "LFCI510", "the directory does not exist", facts=(str(self.directory),)
            ) from error

    # -- the repository ----------------------------------------------------------------

    @cached_property
    def _layout(self) -> _Layout:
        # --show-toplevel last: it is the one question that a bare repository cannot answer.
        questions = ("--absolute-git-dir", "--git-common-dir", "--show-object-format", "--is-bare-repository")
        status, out, err = self.status("rev-parse", "--path-format=absolute", *questions, "--show-toplevel")
        lines = os.fsdecode(out).split("\n")[:-1]
        if len(lines) == len(questions) + 1 and status == 0:
            toplevel = Path(lines.pop())
        elif len(lines) == len(questions):
            toplevel = None
        else:
            raise failure(("rev-parse",), status, err)
        git_dir, common_dir, hash_name, is_bare = lines
        return _Layout(Path(git_dir), Path(common_dir), hash_name, is_bare == "true", toplevel)

    @property
    def git_dir(self) -> Path:
        """This working copy's own git directory (below ``worktrees/`` in an added one)."""
        return self._layout.git_dir

    @property
    def common_dir(self) -> Path:
        """The git directory that all working copies of the repository share."""
        return self._layout.common_dir

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
            raise UsageError("LFCI510", "not in a working copy", facts=(str(self.directory),))
        return self._layout.toplevel

    @cached_property
    def settings(self) -> Mapping[str, tuple[str, ...]]:
        """All of git's config as this directory sees it: name -> values, the strongest last.

        Section and variable names are lower case, subsections as written. A variable without
        ``=`` has the value ``true``. Read once: one process for any number of questions.
        """
        found: dict[str, tuple[str, ...]] = {}
        # hooks=True: else the list would show our own -c core.hooksPath instead of the repository's.
        for item in os.fsdecode(self.run("config", "--list", "-z", hooks=True)).split("\0")[:-1]:
            name, equals, value = item.partition("\n")
            found[name] = (*found.get(name, ()), value if equals else "true")
        return found

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


def failure(args: tuple[str, ...], status: int, err: bytes) -> LfciError:
    """The error for a git that ended with an unexpected status.

    Arguments: what was run, its exit status, its standard error.
    """
    lines = [line for line in err.decode("ascii", "backslashreplace").splitlines() if line.strip()]
    fact = "".join(c if c.isprintable() else "?" for c in lines[-1][:400]) if lines else "git said nothing"
    if any(sign in err for sign in _NO_SPACE):
        return Undecided("LFCI502", f"git {args[0]}: no space", facts=(fact,))
    if any(sign in err for sign in _NO_REPOSITORY):
        first = next((line for line in lines if line.startswith("fatal:")), fact)
        return UsageError("LFCI510", "git finds nothing to work with here", facts=(first,))
    return Undecided("LFCI513", f"git {args[0]} ended with status {status}", facts=(fact,))


def _talk(
    child: subprocess.Popen[bytes], args: tuple[str, ...], input: bytes, timeout_s: float | None
) -> tuple[bytes, bytes]:
    with child:
        try:
            out, err = child.communicate(input, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            _end(child)
            raise Undecided("LFCI513", f"git {args[0]} did not end within {timeout_s:g} s") from None
        except BaseException:
            _end(child)
            raise
    return out or b"", err or b""


def _end(child: subprocess.Popen[bytes]) -> None:
    """TERM first: git then removes its lock files and ends the programs it started."""
    child.terminate()
    try:
        child.wait(timeout=2)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
