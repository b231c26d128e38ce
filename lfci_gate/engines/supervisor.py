"""The process that runs a sandbox: started by `nix develop`, by an isolated interpreter.

It imports little, and no package but this one: it stands between every run and its first line. It
decides nothing; what to run and what is allowed is in the request file (written by engines.develop):

    bubblewrap     the program
    arguments      its options, given through a descriptor: closures have thousands of paths
    command        what runs in the sandbox
    nonce          handed to the run script
    timeout_s      wall time
    user           null, or [uid, gid] to drop to before bubblewrap starts
    build          host directory behind /build
    limits         see engines.sandbox.Limits
    filter         file with the filter of system calls; null where there is none for this machine
    result         file to write: {how, begun, status, stopped, duration_ms}
    clean          directory to remove when the parent was killed

Standard input is the leash: when it ends, or says anything, the run is over, so a killed parent leaves
nothing running, and its directory is removed here.
Standard output is the run's output. All processes of the sandbox are dead when the result is written.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import select
import signal
import socket
import subprocess
import time
import tty

from lfci_gate.engines import cgroups
from lfci_gate.engines.usage import (
    disk_usage,
    fix_addresses,
    free_bytes,
    limit_self,
    memory_usage,
    most_memory,
)

TYPE_CHECKING = False  # typing costs a tenth of the supervisor's start
if TYPE_CHECKING:
    from typing import Any

SOCKET_FD = 9
"""Where the run script expects its socket."""

_CHUNK = 1 << 16
_TICK_S = 0.25
_HEARD_LIMIT = 4096
_INIT = re.compile(rb'"child-pid": *([0-9]+)[^0-9]')


class Ended(Exception):
    """The run must end now; the argument is the word for why."""


class Run:
    """One sandbox from its start until nothing of it is left."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self.limits: dict[str, Any] = request["limits"]
        if self.limits["memory_bytes"] is None:
            self.limits["memory_bytes"] = most_memory()
        self.abandoned = False
        self.heard = b""
        self.status = b""
        self.init_fd = -1
        self.written = 0
        # Takes the number, so that nothing opened below gets it.
        os.dup2(0, SOCKET_FD)
        self.socket, self.inner_socket = socket.socketpair()
        self.socket.setblocking(False)
        self.status_read, self.status_write = os.pipe()
        os.set_blocking(self.status_read, False)
        # As Nix does: the output is a terminal, one that changes nothing of what is written to it.
        self.terminal, self.inner_terminal = os.openpty()
        tty.setraw(self.inner_terminal)
        self.group = cgroups.make(self.limits)
        self.started = time.monotonic()
        self.next_look = self.started + 1.0

    def go(self) -> dict[str, Any]:
        how = "exit"
        child = self.start()
        try:
            self.watch(child)
        except Ended as ended:
            how = str(ended)
        self.end(child)
        if self.group is not None:
            # A child that the kernel took must not look like a test that failed.
            how = "memory" if how == "exit" and self.group.ran_out_of_memory() else how
            self.group.remove()
        try:
            while how == "exit" and self.forward():
                pass
        except Ended as ended:
            how = str(ended)
        self.listen()
        duration_ms = int((time.monotonic() - self.started) * 1000)
        return {"how": how, "duration_ms": duration_ms, **self.told(child.returncode)}

    def start(self) -> subprocess.Popen[bytes]:
        request = self.request
        arguments = os.memfd_create("arguments")
        with open(os.dup(arguments), "wb") as file:
            file.write(
                "".join(f"{each}\0" for each in request["arguments"]).encode("utf-8", "surrogateescape")
            )
        os.lseek(arguments, 0, os.SEEK_SET)
        self.socket.sendall(request["nonce"].encode("ascii") + b"\n")
        os.dup2(self.inner_socket.fileno(), SOCKET_FD)
        user = request["user"]
        drop = {"user": user[0], "group": user[1], "extra_groups": []} if user else {}
        options = ["--args", str(arguments), "--json-status-fd", str(self.status_write)]
        given = [SOCKET_FD, arguments, self.status_write]
        if request.get("filter") is not None:
            given.append(os.open(request["filter"], os.O_RDONLY))
            options += ["--seccomp", str(given[-1])]
        with contextlib.nullcontext() if self.group is None else self.group.inside():
            child = subprocess.Popen(
                [request["bubblewrap"], *options, "--", *request["command"]],
                stdin=subprocess.DEVNULL,
                stdout=self.inner_terminal,
                stderr=self.inner_terminal,
                env={},
                cwd="/",
                umask=0o022,
                pass_fds=given,
                **drop,
            )
        self.inner_socket.close()
        for fd in (*given, self.inner_terminal):
            os.close(fd)
        return child

    def watch(self, child: subprocess.Popen[bytes]) -> None:
        """Returns when the sandbox has ended by itself. Raises Ended when it has to be ended."""
        deadline = self.started + self.request["timeout_s"]
        child_fd = os.pidfd_open(child.pid)
        poll = select.poll()
        for fd in (0, child_fd, self.terminal, self.status_read, self.socket.fileno()):
            poll.register(fd, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poll.poll(_TICK_S * 1000)}
            if self.terminal in ready and not self.forward():
                poll.unregister(self.terminal)
            if self.socket.fileno() in ready and not self.listen():
                poll.unregister(self.socket.fileno())
            if self.status_read in ready and not self.learn_init():
                poll.unregister(self.status_read)
            if child_fd in ready:
                return
            if 0 in ready:
                raise self.let_go()
            now = time.monotonic()
            if now > deadline:
                raise Ended("timeout")
            self.hold_limits(now)

    def end(self, child: subprocess.Popen[bytes]) -> None:
        """Returns when no process of the sandbox exists any more."""
        if child.poll() is None:
            child.kill()
        child.wait()
        if self.init_fd < 0:
            self.learn_init()
        if self.init_fd >= 0:
            # Process 1 of the namespace: its end is only told when the kernel has ended all the others.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.init_fd, signal.SIGKILL)
            select.select([self.init_fd], [], [])

    # -- what comes out of the sandbox ---------------------------------------------------------

    def forward(self) -> bool:
        """Passes a piece of output on; False at its end."""
        try:
            data = os.read(self.terminal, _CHUNK)
        except OSError:
            return False  # EIO: no process has the terminal open any more
        self.written += len(data)
        try:
            while data:
                data = data[os.write(1, data) :]
        except BrokenPipeError:
            raise self.let_go() from None
        if self.written > self.limits["log_bytes"]:
            raise Ended("output")
        return True

    def let_go(self) -> Ended:
        """The leash is let go of: with a byte by a parent that lives and cleans up, else by its death."""
        self.abandoned = not os.read(0, 1)
        return Ended("lost")

    def listen(self) -> bool:
        """Takes what the run script tells; False when it has closed its end."""
        while True:
            try:
                data = self.socket.recv(_HEARD_LIMIT)
            except BlockingIOError:
                return True
            except ConnectionError:
                return False
            if not data:
                return False
            if len(self.heard) < _HEARD_LIMIT:
                self.heard += data

    def learn_init(self) -> bool:
        """Takes process 1's id, which bubblewrap tells piecemeal; False when there is no more to learn."""
        try:
            data = os.read(self.status_read, _CHUNK)
        except BlockingIOError:
            return True
        self.status += data
        found = _INIT.search(self.status)
        if found and self.init_fd < 0:
            try:
                self.init_fd = os.pidfd_open(int(found[1]))
            except ProcessLookupError:
                return False  # already dead, and with it all others
        return bool(data) and not found

    def told(self, returncode: int) -> dict[str, Any]:
        lines = self.heard.decode("ascii", "replace").splitlines()
        end = f"end {self.request['nonce']} {returncode}"
        stop = next((line[5:55] for line in lines if line.startswith("stop ")), "")
        return {
            "begun": lines[:1] == ["begin"],
            # Both must agree: who learns the nonce cannot choose the outer shell's status, nor the reverse.
            "status": returncode if lines[1:] == [end] else None,
            "stopped": stop,
        }

    def hold_limits(self, now: float) -> None:
        """Raises Ended when the run uses more than it may."""
        build = self.request["build"]
        if free_bytes(build) < self.limits["free_bytes"]:
            raise Ended("disk")
        if now < self.next_look:
            return
        if disk_usage(build) > self.limits["build_bytes"]:
            raise Ended("disk")
        if self.group is None and memory_usage(self.init_fd) > self.limits["memory_bytes"]:
            raise Ended("memory")
        # Looking costs time in proportion to the number of files: a twentieth of it at most.
        self.next_look = time.monotonic() + max(_TICK_S, 20 * (time.monotonic() - now))


def main(request_file: str) -> int:
    """Runs the request; its exit status is 0 when the result is written."""
    with open(request_file, encoding="utf-8", errors="surrogateescape") as file:
        request = json.load(file)
    limit_self(request["limits"])
    fix_addresses()
    run = Run(request)
    result = run.go()
    if run.abandoned:
        import shutil

        shutil.rmtree(request["clean"], ignore_errors=True)
        return 1
    temporary = request["result"] + ".new"
    with open(temporary, "w", encoding="ascii") as file:
        json.dump(result, file)
    os.replace(temporary, request["result"])
    return 0
