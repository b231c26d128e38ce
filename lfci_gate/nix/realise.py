"""Building one derivation in Nix's own sandbox, and hearing what happens while it does.

Nix's messages and the builder's output come through one pipe; Nix's JSON form of it
(``--log-format internal-json``, unchanged since 2.0) keeps them apart. A builder may send messages of
that form itself (Nix passes them on), but none after Nix has said that the build stopped: what is
believed about its end is what comes then.
"""

from __future__ import annotations

import json
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from lfci_gate.errors import Undecided
from lfci_gate.nix.process import Nix, last_lines, stop_group
from lfci_gate.value import Value

__all__ = ["Realised", "is_valid", "realise", "sandbox_options"]

_BUILD: Final = 105
_LOG_LINE: Final = 101
_MARK: Final = b"@nix "
_MAX_LINE: Final = 64 << 20
_MAX_ERRORS: Final = 40
_CHUNK: Final = 1 << 16
_GRACE_S: Final = 60
"""How long Nix may take around the build itself, beyond what it waits for another build of the same."""

_KILL_S: Final = 30
"""How long Nix may take to end its builder. Killed earlier, it would leave the builder running."""

_EXIT: Final = re.compile(r"failed (?:with exit code|due to (signal)) ([0-9]{1,3})\b")
_DIFFERS: Final = re.compile(r"differs from ['\"](/[0-9A-Za-z/+._?=-]+\.check)['\"]")
"""Double quotes: Nix 2.34."""

_OTHER_ENDS: Final = (
    ("timeout", ("timed out after",)),
    ("output", ("of log output", "log limit exceeded")),
    ("disk", ("No space left on device", "Disk quota exceeded")),
)


class Realised(Value):
    status: int
    """That of nix-store."""
    ran: bool
    """Whether a builder was started for the derivation, here or where it was to be."""
    how: str
    """``exit``; or what ended it: ``timeout``, ``output``, ``disk``."""
    exit_code: int | None
    """The builder's own status, 128 and more for signals, as shells have it; None when it ended with 0,
    or was ended."""
    differs: str | None
    """Where the new output is, when there was one before and it is not equal to that."""
    errors: tuple[str, ...]
    """Nix's own words, as printable lines."""
    duration_ms: int
    """From the start of the builder."""
    elsewhere: str = ""
    """The machine that Nix gave it to, by Nix's name for it; empty: this one."""
    answered: bool = True
    """Whether that machine's own Nix said how the build ended. False: it, or the way to it, was lost."""


def sandbox_options(interpreters: Mapping[str, str]) -> list[str]:
    """What the sandbox is to show: nothing of the host, /bin/sh and /usr/bin/env of the environment.

    Replaces the paths of nix.conf, where this user may (as root, or as a trusted user of the daemon).
    """
    paths = " ".join(f"{place}={target}" for place, target in sorted(interpreters.items()))
    return ["--option", "sandbox-paths", paths]


def is_valid(nix: Nix, path: str) -> bool:
    """Whether the store holds ``path``."""
    return nix.run_store("--check-validity", path).status == 0


def realise(
    nix: Nix,
    drv: str,
    *,
    again: bool,
    options: Sequence[str],
    timeout_s: int,
    log_bytes: int,
    line: Callable[[bytes], None],
    tick: Callable[[float], None],
    around_s: int = _GRACE_S,
) -> Realised:
    """Builds ``drv`` where ``options`` say, never from a cache of this machine; waits for its end.

    Arguments:
        again: it was built before: build once more, and keep the new output if it differs.
        timeout_s: wall time of the builder.
        log_bytes: more output than this ends it.
        line: gets each line of the builder's output, with its newline.
        tick: called about once a second with the seconds since the start.
        around_s: how long Nix may take around the build itself, in seconds: to copy things to a builder.

    Raises Undecided LFCI303 when Nix cannot be started or hangs; what ``line`` raises. Nothing of the
    build runs on in any case.
    """
    argv = nix.store_command(
        *("--realise", "--log-format", "internal-json", "--option", "substitute", "false"),
        # In case this process is killed: nobody else would end the build.
        *("--timeout", str(timeout_s + around_s), "--cores", str(len(os.sched_getaffinity(0)))),
        # Of a second build Nix throws an output away that differs, unless it is told to keep failures.
        *(("--check", "--keep-failed") if again else ()),
        *options,
        drv,
    )
    child = nix.start(argv)
    try:
        heard = _Heard(drv, line, log_bytes)
        how = _follow(child, heard, timeout_s, around_s, tick)
    except BaseException:
        stop_group(child, grace_s=_KILL_S)
        raise
    return heard.result(child.returncode, how)


def _follow(
    child: subprocess.Popen[bytes],
    heard: _Heard,
    timeout_s: int,
    around_s: int,
    tick: Callable[[float], None],
) -> str:
    """Reads both outputs to their ends; gives what ended the build."""
    assert child.stdout is not None
    assert child.stderr is not None
    started = time.monotonic()
    ticked = started
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ, heard.path)
        selector.register(child.stderr, selectors.EVENT_READ, heard.take)
        while selector.get_map():
            for key, _ in selector.select(timeout=1.0):
                data = os.read(key.fd, _CHUNK)
                if data:
                    key.data(data)
                else:
                    selector.unregister(key.fileobj)
            now = time.monotonic()
            if now - ticked >= 1.0:
                tick(now - started)
                ticked = now
            late = heard.began is not None and now - heard.began > timeout_s
            if late or heard.too_much:
                stop_group(child, grace_s=_KILL_S)
                return "output" if heard.too_much else "timeout"
            # Before the builder starts, Nix may wait for another build of the same derivation.
            if heard.began is None and now - started > 2 * timeout_s + around_s:
                raise Undecided("LFCI303", "nix-store did not begin the build in time")
    child.wait()
    child.stdout.close()
    child.stderr.close()
    return "exit"


class _Heard:
    """What Nix tells about one build.

    A build on another machine is told twice: that Nix gives it away, and, inside of that, what the
    machine's own Nix says. Only the second says that a builder was started; an output that the machine
    had already, or has taken from a cache, has no such message.
    """

    def __init__(self, drv: str, line: Callable[[bytes], None], log_bytes: int) -> None:
        self.began: float | None = None
        self.too_much = False
        self.elsewhere = ""
        self._drv = drv
        self._line = line
        self._room = log_bytes
        self._rest = b""
        self._builds: set[Any] = set()
        self._errors: list[str] = []

    def path(self, data: bytes) -> None:
        """The store paths on standard output are known already."""

    def take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for each in lines:
            self._event(each)
        self.too_much = self.too_much or len(self._rest) > _MAX_LINE

    def _event(self, raw: bytes) -> None:
        if not raw.startswith(_MARK):
            self._say(raw)
            return
        try:
            event = json.loads(raw[len(_MARK) :])
            action, kind, number = event.get("action"), event.get("type"), event.get("id")
        except (ValueError, AttributeError, RecursionError):
            self._say(raw)
            return
        fields = event.get("fields") or [None]
        if action == "start" and kind == _BUILD and fields[0] == self._drv:
            machine = fields[1] if len(fields) > 1 else ""
            if machine:
                self.elsewhere = str(machine)
            else:
                self._builds.add(number)
                self.began = time.monotonic()
        elif action == "result" and kind == _LOG_LINE and number in self._builds:
            self._output(str(fields[0]))
        elif action == "stop" and number in self._builds:
            self._errors = []
        elif action == "msg" and event.get("level") == 0:
            self._say(str(event.get("msg", "")).encode("utf-8", "replace"))

    def _output(self, text: str) -> None:
        data = text.encode("utf-8", "surrogateescape") + b"\n"
        self._room -= len(data)
        if self._room < 0:
            self.too_much = True
        elif not self.too_much:
            self._line(data)

    def _say(self, raw: bytes) -> None:
        self._errors = [*self._errors, *last_lines(raw)][-_MAX_ERRORS:]

    def result(self, status: int, how: str) -> Realised:
        if self._rest:
            self._event(self._rest)
        # Nix quotes the builder's last lines behind a ">": those are no words of Nix's.
        said = "\n".join(each for each in self._errors if not each.lstrip().startswith(">"))
        code = self._exit(said) if self.began is not None else None
        differs = _DIFFERS.search(said) if status != 0 and code is None else None
        if how == "exit" and status != 0:
            marks = (name for name, words in _OTHER_ENDS if any(word in said for word in words))
            how = next(marks, how)
        return Realised(
            status=status,
            ran=self.began is not None,
            how=how,
            exit_code=int(code[2]) + (128 if code[1] else 0) if code and how == "exit" else None,
            differs=differs[1] if differs else None,
            errors=tuple(self._errors),
            duration_ms=int((time.monotonic() - self.began) * 1000) if self.began is not None else 0,
            elsewhere=self.elsewhere,
            answered=status == 0 or not self.elsewhere or self._failed_there in said,
        )

    @property
    def _failed_there(self) -> str:
        return f"build of '{self._drv}' on '{self.elsewhere}' failed:"

    def _exit(self, said: str) -> re.Match[str] | None:
        """How the builder failed, in Nix's words.

        Of a build elsewhere they stand behind "build of ... on ... failed:". What Nix says last then, that
        a builder failed with exit code 1, is about its own helper: so it is too when the machine is lost.
        """
        if not self.elsewhere:
            return _EXIT.search(said)
        _, there, rest = said.partition(self._failed_there)
        return _EXIT.search(rest.partition("\nerror:")[0]) if there else None
