"""The one place that starts Nix: which programs, with which environment and flags, and why.

Whatever can redirect where Nix takes things from is switched off for every call: registries,
the flake's own nixConfig, import from derivation, the user's nix.conf, caches of other runs. The
system's nix.conf is the operator's and stays.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from lfci_gate import files
from lfci_gate.errors import Undecided
from lfci_gate.machine import NO_MACHINE, Machine
from lfci_gate.nix.builders import configure_ssh, line_of
from lfci_gate.value import replace

__all__ = ["Completed", "Nix", "NixVersion", "last_lines", "stop_all", "stop_group"]

_running: weakref.WeakSet[subprocess.Popen[bytes]] = weakref.WeakSet()

# How a person's machine reaches its store and the network; nothing that names a user or a secret.
_KEPT: Final = (
    "PATH NIX_REMOTE NIX_CONF_DIR NIX_STATE_DIR NIX_STORE_DIR NIX_LOG_DIR NIX_SSL_CERT_FILE SSL_CERT_FILE"
    " http_proxy https_proxy ftp_proxy all_proxy no_proxy"
    " HTTP_PROXY HTTPS_PROXY FTP_PROXY ALL_PROXY NO_PROXY"
).split()

_PLACES: Final = ("/run/current-system/sw/bin", "/nix/var/nix/profiles/default/bin")
"""Where installers put Nix without putting it on every PATH."""

_OPTIONS: Final = (
    # A name must not be resolved by whoever controls a registry.
    ("use-registries", "false"),
    ("flake-registry", ""),
    # nixConfig of a pushed flake is not configuration of this machine.
    ("accept-flake-config", "false"),
    # Evaluating a tree must not build (and so run) anything of that tree.
    ("allow-import-from-derivation", "false"),
    # Everything that is built is built in the sandbox, or not at all: the default of the second is true.
    ("sandbox", "true"),
    ("sandbox-fallback", "false"),
    # What comes from a cache is signed by a key that the operator trusts, whatever nix.conf says.
    ("require-sigs", "true"),
    ("warn-dirty", "false"),
)

_VERSION: Final = re.compile(r"\((?P<name>[A-Za-z]+)[^)]*\) (?P<version>[0-9][0-9A-Za-z.+-]{0,60})")
_OUTPUT_LIMIT: Final = 64 << 20


class Completed(NamedTuple):
    status: int
    """Exit status; negative: the signal that ended it."""
    stdout: bytes
    stderr: bytes


class NixVersion(NamedTuple):
    name: str
    """``nix``, ``lix``, ... in lower case."""
    version: str


class Nix:
    """Nix with a private home.

    Arguments:
        private: an existing directory of this user alone; HOME, XDG_* and TMPDIR of all calls are
            made in it, and the caller removes it.
        environ: where the kept variables are taken from; ``os.environ`` by default.
        options: further ``--option`` pairs of the operator, given last.
        store: directory of a store of its own, with nothing of the machine's; by default the machine's.
        machine: the builders and binary caches that the user or operator configured, instead of those of
            nix.conf. A store of its own is built in here, never elsewhere.

    Raises Undecided LFCI303 when Nix is not installed.
    """

    def __init__(
        self,
        private: Path,
        *,
        environ: Mapping[str, str] | None = None,
        options: Sequence[tuple[str, str]] = (),
        store: Path | None = None,
        machine: Machine = NO_MACHINE,
    ) -> None:
        self._environ = _environment(private, os.environ if environ is None else environ)
        path = os.pathsep.join((self._environ.get("PATH", os.defpath), *_PLACES))
        self.nix = _program("nix", path)
        self.nix_store = _program("nix-store", path)
        self.store = store
        if store is not None:
            self._environ.pop("NIX_REMOTE", None)
            options = (*options, ("store", str(store)))
            machine = replace(machine, builders=(), local=True)
        self.machine = machine
        self.options = (*_OPTIONS, *_cache_options(machine), *_builder_options(machine), *options)
        if machine.builders:
            self._environ |= {"NIX_SSHOPTS": f"-F {configure_ssh(machine.builders, private)}"}
        self.tmp = private / "tmp"

    def flags(self) -> list[str]:
        """The flags that every call of the old and the new commands gets."""
        flags = ["--option", "extra-experimental-features", "nix-command flakes"]
        for name, value in self.options:
            flags += ["--option", name, value]
        return flags

    def real(self, path: str) -> Path:
        """Where a store path is on this machine."""
        return Path(path) if self.store is None else self.store / path.lstrip("/")

    @property
    def environment(self) -> dict[str, str]:
        """A copy of what Nix sees of the environment."""
        return dict(self._environ)

    def version(self, remembered: Path | None = None) -> NixVersion:
        """Implementation and version. Raises Undecided LFCI303 when it does not say.

        Arguments:
            remembered: file that keeps the answer for this very program file: asking costs as much
                as a whole evaluation.
        """
        there = os.stat(self.nix)  # follows links: what Nix itself was installed as
        key = f"{os.path.realpath(self.nix)} {there.st_size} {there.st_mtime_ns} {there.st_ino}"
        said = files.read_file(remembered, 4096) if remembered else None
        before, _, answer = (said or b"").decode("utf-8", "replace").partition("\n")
        if before != key:
            done = self._call([self.nix, "--version"], None)
            # Lix tells its configuration too, on further lines.
            answer = done.stdout.decode("utf-8", "replace").strip().partition("\n")[0]
            if remembered and done.status == 0:
                files.write_file(remembered, f"{key}\n{answer}".encode())
        found = _VERSION.search(answer)
        if found is None:
            raise Undecided("LFCI303", "nix does not tell its version", facts=(ascii(answer[:200]),))
        return NixVersion(found["name"].lower(), found["version"])

    def run(self, *args: str, timeout_s: float | None = None) -> Completed:
        """``nix <verb> <flags> <rest>``: waits for its end, whatever its status.

        Raises Undecided LFCI303 when it cannot be started or runs longer than ``timeout_s`` seconds.
        """
        return self._call([self.nix, args[0], *self.flags(), *args[1:]], timeout_s)

    def run_store(self, *args: str, timeout_s: float | None = None) -> Completed:
        """``nix-store <operation> <flags> <rest>``; otherwise as :meth:`run`."""
        return self._call(self.store_command(*args), timeout_s)

    def store_command(self, *args: str) -> list[str]:
        """The argv of :meth:`run_store`."""
        return [self.nix_store, args[0], *self.flags(), *args[1:]]

    def start(self, argv: list[str]) -> subprocess.Popen[bytes]:
        """Starts one of Nix's programs with both outputs as pipes. Raises Undecided LFCI303."""
        try:
            # A group of its own: an interrupted run ends Nix and whatever Nix started.
            child = subprocess.Popen(
                argv,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as error:
            raise Undecided("LFCI303", f"cannot start {argv[0]}", facts=(str(error.strerror),)) from error
        _running.add(child)
        return child

    def _call(self, argv: list[str], timeout_s: float | None) -> Completed:
        child = self.start(argv)
        try:
            stdout, stderr = child.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            stop_group(child)
            raise Undecided("LFCI303", f"{' '.join(argv[:2])} took longer than {timeout_s} s") from None
        except BaseException:
            stop_group(child)
            raise
        if len(stdout) > _OUTPUT_LIMIT:
            raise Undecided("LFCI303", f"{' '.join(argv[:2])} wrote more than {_OUTPUT_LIMIT} bytes")
        return Completed(child.returncode, stdout, stderr)


def stop_all() -> None:
    """Asks everything that was started here and still runs to end: what other threads wait for. They
    clean up after it."""
    for child in list(_running):
        if child.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)


def stop_group(child: subprocess.Popen[bytes], *, grace_s: float = 3.0) -> None:
    """Ends a child that leads its own process group: politely first, so that Nix can clean up."""
    for number, patience in ((signal.SIGTERM, grace_s), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        try:
            child.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            continue
        break
    for pipe in (child.stdin, child.stdout, child.stderr):
        if pipe is not None:
            pipe.close()


def last_lines(output: bytes, count: int = 12) -> tuple[str, ...]:
    """The last non-empty lines of a tool's output, as printable text, for the facts of an error."""
    lines = [_printable(line) for line in output.decode("utf-8", "replace").splitlines()]
    return tuple([line[:1000] for line in lines if line.strip()][-count:])


_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in _ESCAPES.sub("", line))


def _cache_options(machine: Machine) -> tuple[tuple[str, str], ...]:
    if machine.caches is None:
        return ()
    return (
        ("substituters", " ".join(machine.caches.urls)),
        ("trusted-public-keys", " ".join(machine.caches.keys)),
    )


def _builder_options(machine: Machine) -> tuple[tuple[str, str], ...]:
    if not machine.builders:
        return ()
    builders = ("builders", " ; ".join(map(line_of, machine.builders)))
    return (builders,) if machine.local else (builders, ("max-jobs", "0"))


def _program(name: str, path: str) -> str:
    found = shutil.which(name, path=path)
    if found is None:
        raise Undecided("LFCI303", f"{name} is not installed", hint="install Nix: https://nixos.org/download")
    return found


def _environment(private: Path, environ: Mapping[str, str]) -> dict[str, str]:
    kept = {name: environ[name] for name in _KEPT if name in environ}
    for name, folder in (
        ("HOME", "home"),
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_DATA_HOME", "data"),
        ("XDG_STATE_HOME", "state"),
        ("TMPDIR", "tmp"),  # nix develop leaves a folder here; it goes with `private`
    ):
        (private / folder).mkdir(exist_ok=True)
        kept[name] = str(private / folder)
    return kept | {"NIX_USER_CONF_FILES": "/dev/null", "LC_ALL": "C", "GIT_CONFIG_NOSYSTEM": "1"}
