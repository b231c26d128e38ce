"""Another machine to build on: an sshd of its own on loopback, another user, another store.

As root the other user is 65534, who shares nothing with this one but the kernel; run by an ordinary user
it is the same one, with another store. The machine is an OpenSSH server and Debian's Nix: nothing is
played.
"""

from __future__ import annotations

import base64
import getpass
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lfci_gate.engines.scratch import remove_tree
from tests.support.forge import free_port, wait_for
from tests.support.world_project import processes_with

UID = 65534 if os.geteuid() == 0 else os.geteuid()


class OtherMachine:
    """One builder. ``nix.conf`` is its operator's, and read anew for each connection."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.port = free_port()
        self.store = place / "store"
        self.nix = shutil.which("nix-daemon")
        assert self.nix is not None, "the tests need nix-daemon, of Debian's nix-bin"
        for folder in ("store", "home", "conf"):
            (place / folder).mkdir()
            os.chown(place / folder, UID, -1)
        self.configure()
        for name in ("host", "client", "other"):
            subprocess.run(
                ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True
            )
        self.host_key = " ".join((place / "host.pub").read_text().split()[:2])
        self.other_key = " ".join((place / "other.pub").read_text().split()[:2])
        self._write_server()
        self._server: subprocess.Popen[bytes] | None = None
        self.start()

    def configure(self, *lines: str, nix: str | None = None) -> None:
        """Its nix.conf; by default with this machine's Nix. Another one may lie where the other user
        cannot reach it, and so runs as root; its store is a /nix of its own, as on a machine of its own."""
        common = ("experimental-features = nix-command flakes", "substituters =")
        (self.place / "conf/nix.conf").write_text("".join(f"{line}\n" for line in (*common, *lines)))
        clean = f"env -i PATH=/usr/bin:/bin HOME={self.place}/home NIX_CONF_DIR={self.place}/conf"
        drop = f"setpriv --reuid {UID} --regid {UID} --clear-groups" if os.geteuid() == 0 else ""
        command = f"exec {drop} {clean} {self.nix} --stdio --option store {self.store}"
        if nix is not None:
            (self.place / "nix").mkdir(exist_ok=True)
            inner = f"mount --bind {self.place}/nix /nix && exec {clean} {nix} --stdio"
            command = f"exec unshare --mount sh -c '{inner}'"
        shell = self.place / "shell"
        shell.write_text(f"#!/bin/sh\n{command}\n")
        shell.chmod(0o755)

    def _write_server(self) -> None:
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)  # sshd refuses to start as root without it
        client = (self.place / "client.pub").read_text()
        (self.place / "authorized").write_text(f'restrict,command="{self.place}/shell" {client}')
        (self.place / "config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.place}/host\nPidFile none\nUsePAM no\n"
            f"AuthorizedKeysFile {self.place}/authorized\nStrictModes no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin forced-commands-only\nPermitUserRC no\n"
        )

    def start(self) -> None:
        with open(self.place / "log", "ab") as log:
            self._server = subprocess.Popen(
                ["/usr/sbin/sshd", "-D", "-e", "-f", str(self.place / "config")],
                stderr=log,
                start_new_session=True,
            )
        wait_for(self.port, self._server)

    def stop(self) -> None:
        """The machine is switched off: server, connections, and what runs behind them."""
        assert self._server is not None
        for pid in [*self.processes(), *_below(self._server.pid), self._server.pid]:
            _kill(pid)
        self._server.wait(timeout=10)

    def processes(self) -> list[int]:
        """Those that serve its store."""
        found = []
        for process in filter(str.isdigit, os.listdir("/proc")):
            try:
                command = Path("/proc", process, "cmdline").read_bytes()
            except OSError:
                continue
            if b"--stdio" in command and str(self.store).encode() in command:
                found.append(int(process))
        return found

    def has(self, path: str) -> bool:
        return (self.store / path.lstrip("/")).exists()

    # -- how it is named in a configuration -------------------------------------------------------

    def line(self) -> str:
        """In Nix's own syntax."""
        key = base64.b64encode(f"{self.host_key}\n".encode()).decode()
        uri = f"ssh-ng://{getpass.getuser()}@127.0.0.1:{self.port}"
        return f"{uri} x86_64-linux {self.place}/client 2 1 - - {key}"

    def table(self, host_key: str = "", port: int = 0, **others: str) -> str:
        """As a table of lfci's own."""
        values = {
            "uri": f'"ssh-ng://{getpass.getuser()}@127.0.0.1"',
            "port": str(port or self.port),
            "systems": '["x86_64-linux"]',
            "ssh-key": f'"{self.place}/client"',
            "host-key": f'"{host_key or self.host_key}"',
            **others,
        }
        return "[[builders.machine]]\n" + "".join(f"{name} = {value}\n" for name, value in values.items())


def _below(pid: int) -> list[int]:
    """All descendants."""
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    children = [int(each) for each in done.stdout.split()]
    return [each for child in children for each in (*_below(child), child)]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


@contextmanager
def other_machine() -> Iterator[OtherMachine]:
    """One that is switched on, and gone with all it has afterwards."""
    place = Path(tempfile.mkdtemp(prefix="lfci-builder-", dir="/tmp"))
    place.chmod(0o755)  # for the other user
    machine = OtherMachine(place)
    try:
        yield machine
    finally:
        machine.stop()
        remove_tree(place)
        assert processes_with(str(place)) == []
