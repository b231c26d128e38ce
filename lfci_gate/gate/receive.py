"""The receive hooks: standard input in, verdict out.

``python -I -m lfci_gate.gate.receive pre-receive|post-receive`` in the bare repository, started by
the shims of hooks/. This module and ``cli`` are the only ones that print and exit. Whatever
goes wrong in pre-receive is a refusal: an exception, a signal, the time budget, too little memory.
"""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import IO, TYPE_CHECKING, NoReturn

from lfci_gate.errors import LfciError, Refusal, Undecided
from lfci_gate.model import ObjectId, Reason, RefUpdate, Verdict, VerdictKind

if TYPE_CHECKING:
    from datetime import datetime

    from lfci_gate.git.process import Git

AnyPath = str | os.PathLike[str]

_MAX_INPUT = 16 * 1024 * 1024
_DEFAULT_BUDGET_S = 4.0
_MAX_BUDGET_S = 60.0
_GRACE_S = 3.0
"""How long after the budget the hook may take to end its git processes."""
_MEMORY_BYTES = 512 * 1024 * 1024
"""Private memory of the hook; each git process that it starts has the same bound."""


def main(argv: list[str]) -> int:
    """Exit status of the hook: 0 lets the push through."""
    if argv == ["pre-receive"]:
        return pre_receive(os.getcwd(), os.environ, sys.stdin.buffer, sys.stderr)
    if argv == ["post-receive"]:
        return post_receive(os.getcwd(), os.environ, sys.stdin.buffer, sys.stderr)
    sys.stderr.write("error[LFCI514]: expected pre-receive or post-receive\n")
    return 2


def pre_receive(directory: AnyPath, environ: Mapping[str, str], stdin: IO[bytes], stderr: IO[str]) -> int:
    """Judges a push; writes reasons to ``stderr``. Only an accepted push is journalled."""
    try:
        _bound_memory()
        with _time_budget(_DEFAULT_BUDGET_S) as extend:
            updates = parse_updates(stdin.read(_MAX_INPUT + 1))
            verdict = _judge(directory, environ, updates, extend)
    except LfciError as error:
        _say(stderr, error.code, error.message, error.facts, error.hint)
        return 1
    except _Stopped as stopped:
        _say(stderr, stopped.code, str(stopped))
        return 1
    except MemoryError:
        _say(stderr, "LFCI504", "the decision needed more memory than allowed")
        return 1
    except Exception as error:  # noqa: BLE001 - fail closed: what is not understood is refused
        _say(stderr, "LFCI505", "internal error", (f"kind: {type(error).__name__}",))
        _log(directory, error)
        return 1
    accepted = verdict.kind is VerdictKind.ACCEPTED
    if accepted and not any(ref.bypass for ref in verdict.refs):
        return 0
    from lfci_gate.gate.render import bypass_lines, verdict_lines

    for line in bypass_lines(verdict) if accepted else verdict_lines(verdict):
        stderr.write(line + "\n")
    return 0 if accepted else 1


def post_receive(directory: AnyPath, environ: Mapping[str, str], stdin: IO[bytes], stderr: IO[str]) -> int:
    """Folds the inbox and records the landings. The refs have moved: nothing here can fail a push,
    and the next fold does what this one could not."""
    try:
        updates = parse_updates(stdin.read(_MAX_INPUT + 1))
        from lfci_gate.gate.fold import fold
        from lfci_gate.gate.state import ForgeState
        from lfci_gate.git.process import Git

        _imported()
        git = Git.receive_hook(directory, environ)
        state = ForgeState(git.git_dir_name)
        for update in updates:
            if update.new is not None:
                state.has_landed(update.ref, update.old, update.new)
        fold(git, wait_s=0.0)
    except LfciError as error:
        stderr.write(f"lfci: accepted; the record follows with the next fold ({error.code})\n")
    except Exception as error:  # noqa: BLE001 - the refs have moved, nothing may fail the push now
        stderr.write("lfci: accepted; the record follows with the next fold (LFCI505)\n")
        _log(directory, error)
    return 0


def _imported() -> None:
    """What is imported stays; from here on there can be garbage."""
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def parse_updates(data: bytes) -> tuple[RefUpdate, ...]:
    """The lines ``<old> <new> <ref>`` that git gives to receive hooks.

    Raises Refusal LFCI411 when there is too much of it, Undecided LFCI505 when it is not in form.
    """
    if len(data) > _MAX_INPUT:
        raise Refusal("LFCI411", "too many ref updates in one push")
    updates = []
    for line in data.split(b"\n")[:-1]:
        parts = line.split(b" ", 2)
        if len(parts) != 3:
            raise Undecided("LFCI505", "git's list of ref updates is not in form")
        try:
            ref = parts[2].decode()
        except UnicodeDecodeError:
            raise Refusal("LFCI211", "a ref name is not UTF-8") from None
        updates.append(RefUpdate(ref, _oid(parts[0]), _oid(parts[1])))
    if not updates or not data.endswith(b"\n"):
        raise Undecided("LFCI505", "git gave no list of ref updates")
    return tuple(updates)


def _oid(text: bytes) -> ObjectId | None:
    from lfci_gate.git.names import is_oid

    name = text.decode("ascii", "replace")
    if not is_oid(name):
        raise Undecided("LFCI505", "git's list of ref updates is not in form")
    return None if not name.strip("0") else ObjectId(name)


def _judge(
    directory: AnyPath,
    environ: Mapping[str, str],
    updates: tuple[RefUpdate, ...],
    extend: _Extend,
) -> Verdict:
    from lfci_gate.gate.facts import Limits
    from lfci_gate.git.process import Git

    if environ.get("GIT_NAMESPACE"):
        raise Refusal("LFCI211", "pushes into a git namespace are not judged, so they are refused")
    if len(updates) > Limits().updates:  # before git is asked about each of them
        raise Refusal("LFCI411", f"{len(updates)} ref updates in one push")
    git = Git.receive_hook(directory, environ)
    try:
        _ask_ahead(git, updates)
        return _verdict(git, environ, updates, extend)
    finally:
        git.close()


def _ask_ahead(git: Git, updates: tuple[RefUpdate, ...]) -> None:
    """What a push of one branch and its evidence is sure to ask git, started before the rules are imported.
    Whatever else is pushed is asked about when it comes up."""
    from lfci_gate.gate.facts import Limits
    from lfci_gate.git.history import history_ahead
    from lfci_gate.git.refs import head_ahead

    git.settings_ahead()
    head_ahead(git)
    moved = [update for update in updates if not update.ref.startswith("refs/lfci/")]
    if len(moved) == 1 and moved[0].new is not None and moved[0].old is not None:
        history_ahead(git, moved[0].new, moved[0].old, limit=Limits().new_commits)


def _verdict(
    git: Git, environ: Mapping[str, str], updates: tuple[RefUpdate, ...], extend: _Extend
) -> Verdict:
    from lfci_gate.gate.facts import Push
    from lfci_gate.gate.forge import open_forge, record_accepted
    from lfci_gate.gate.rules import evaluate

    _imported()
    extend(_budget(git.config("lfci.timeBudget")))
    now = clock()
    with open_forge(git, tuple(update.ref for update in updates)) as view:
        if view.policy_floor is None:
            from lfci_gate.gate.memory import refuse_without_memory

            refuse_without_memory(view)
        push = Push(updates, now, pusher=_pusher(git, environ), at_forge=True)
        verdict = evaluate(push, view)
        if verdict.kind is VerdictKind.ACCEPTED:
            extend.decided()
            record_accepted(git.git_dir_name, view, push, verdict)
    return verdict


def _pusher(git: Git, environ: Mapping[str, str]) -> str | None:
    """Who pushes, by the variable that the operator's `lfci.pusherVariable` names."""
    setting = git.config("lfci.pusherVariable")
    if setting is None:
        return None
    from lfci_gate.gate.pusher import named_pusher  # forges that name no variable do not pay for it

    return named_pusher(setting, environ)


def clock() -> datetime:
    """The forge's clock, in whole seconds of UTC. Nothing outside of this process can set it."""
    from datetime import UTC, datetime

    return datetime.now(UTC).replace(microsecond=0)


def _budget(setting: str | None) -> float:
    """Seconds; the operator's `lfci.timeBudget`, between 0.5 and 60."""
    if setting is None:
        return _DEFAULT_BUDGET_S
    try:
        seconds = float(setting.removesuffix("s"))
    except ValueError:
        raise Undecided("LFCI505", "lfci.timeBudget is not a number of seconds") from None
    if not 0.5 <= seconds <= _MAX_BUDGET_S:
        raise Undecided("LFCI505", "lfci.timeBudget is not between 0.5 and 60 seconds")
    return seconds


class _Stopped(BaseException):
    """Not an Exception: nothing between the timer and the hook's end may take it for the trouble
    of one ref and go on judging the next."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class _Extend:
    """Sets what is left of the budget once the operator's setting is known."""

    def __call__(self, seconds: float) -> None:
        used = _DEFAULT_BUDGET_S - signal.getitimer(signal.ITIMER_REAL)[0]
        signal.setitimer(signal.ITIMER_REAL, max(seconds - used, 0.001), _GRACE_S)

    def decided(self) -> None:
        """The verdict is there; what is left is to write it down, whole."""
        signal.setitimer(signal.ITIMER_REAL, 0)


@contextmanager
def _time_budget(seconds: float) -> Iterator[_Extend]:
    fired = False

    def over(_signal: int, _frame: FrameType | None) -> NoReturn:
        nonlocal fired
        if fired:  # whatever is being tidied up hangs too, or swallowed the first one
            os.write(2, b"error[LFCI503]: no decision within the time budget, so the answer is no\n")
            os._exit(1)
        fired = True
        raise _Stopped("LFCI503", "no decision within the time budget, so the answer is no")

    def ended(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise _Stopped("LFCI505", "the gate was stopped before it decided, so the answer is no")

    previous = signal.signal(signal.SIGALRM, over)
    signal.signal(signal.SIGTERM, ended)
    signal.setitimer(signal.ITIMER_REAL, seconds, _GRACE_S)
    try:
        yield _Extend()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _bound_memory() -> None:
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
    if soft == resource.RLIM_INFINITY or soft > wanted:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _say(stderr: IO[str], code: str, message: str, facts: tuple[str, ...] = (), hint: str = "") -> None:
    from lfci_gate.gate.render import reason_lines

    for line in reason_lines(Reason(code, message, hint, facts=facts)):
        stderr.write(line + "\n")


def _log(directory: AnyPath, error: Exception) -> None:
    """Where the operator finds an internal error: type and places in our code, no contents."""
    import traceback

    from lfci_gate import files
    from lfci_gate.gate.state import ForgeState

    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
    text = f"{type(error).__name__}\n" + "\n".join(places) + "\n"
    try:
        files.write_file(ForgeState(os.path.realpath(directory)).directory / "last-error.txt", text.encode())
    except LfciError:
        return  # the pusher has the code; there is nowhere left to write to


if __name__ == "__main__":
    gc.disable()  # until the rules are imported: what imports make is no garbage, and looking takes 7 ms
    status = main(sys.argv[1:])
    sys.stderr.flush()
    # Everything is written, and no git of ours is running: taking the interpreter apart in good order
    # would only let the pusher wait another 10 ms.
    os._exit(status)
