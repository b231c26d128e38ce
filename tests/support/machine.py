"""Another machine, for tests: a root of its own in namespaces of its own.

What it shares with the machine that runs the tests is the kernel, the programs in /usr (read-only), the
interpreter, and the loopback network. Its own are the user, /etc, the home, host name, processes, time
zone, language, umask, the order of PATH, the CPUs that it may use, where lfci lies, and the Nix store
with its database, which is empty at first. Made with bubblewrap, as an ordinary user; started by root,
another user is taken on for each machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
_PYTHON = Path(sys.base_prefix)
_LINKS = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")

_LFCI = """\
#!{python} -I
import sys
sys.path[:0] = [{code!r}, {site!r}]
from lfci_gate.cli import main
sys.exit(main())
"""


@dataclass(frozen=True)
class Kind:
    """How a machine is set up."""

    host: str
    user: str
    uid: int
    home: str
    software: str
    """Where lfci lies."""
    cpus: int | None
    """How many CPUs it uses; None: all."""
    umask: str
    environment: Mapping[str, str] = field(default_factory=dict)
    path: Sequence[str] = ("/usr/local/bin", "/usr/bin", "/bin")
    """PATH behind where lfci is."""
    forger: bool = False
    """The kit that makes results up is there too."""


@dataclass(frozen=True)
class Done:
    """How a command ended there."""

    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class Machine:
    """A machine whose files are below ``base``, which others than its user must be able to reach."""

    def __init__(self, base: Path, kind: Kind) -> None:
        self.base = base
        self.kind = kind
        self.root = os.geteuid() == 0
        self._software = self._stage()
        self._fill()

    # -- what is on it --------------------------------------------------------------------------

    def file(self, path: str) -> Path:
        """Where the tests find a file of the machine's own."""
        assert path.startswith((self.kind.home, "/nix", "/var", "/tmp")), "that is not the machine's own"
        return self.base / "disk" / path.lstrip("/")

    def write(self, path: str, data: bytes, *, mode: int = 0o600) -> None:
        """Puts a file there, of the machine's user."""
        place = self.file(path)
        missing = [each for each in (place.parent, *place.parent.parents) if not each.exists()]
        for folder in reversed(missing):
            folder.mkdir(mode=0o755)
            self._give(folder)
        place.write_bytes(data)
        place.chmod(mode)
        self._give(place)

    def _fill(self) -> None:
        disk = self.base / "disk"
        for folder in ("nix", "var/tmp", "tmp", self.kind.home.lstrip("/")):
            (disk / folder).mkdir(parents=True)
        for path in (disk, *disk.rglob("*")):
            path.chmod(0o755)
            self._give(path)
        etc = self.base / "etc"
        (etc / "nix").mkdir(parents=True)
        kind = self.kind
        (etc / "passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\n"
            f"{kind.user}:x:{kind.uid}:{kind.uid}:{kind.user}:{kind.home}:/bin/bash\n"
        )
        (etc / "group").write_text(f"root:x:0:\n{kind.user}:x:{kind.uid}:\n")
        (etc / "hosts").write_text(f"127.0.0.1 localhost {kind.host}\n")
        (etc / "hostname").write_text(f"{kind.host}\n")
        # As Debian ships it: what has to be on is switched on by each call.
        (etc / "nix/nix.conf").write_text("sandbox = false\n")
        software = self.base / "software/bin"
        software.mkdir(parents=True)
        code, site = f"{kind.software}/code", f"{kind.software}/site"
        (software / "lfci").write_text(_LFCI.format(python=interpreter(), code=code, site=site))
        for name in self._software.keys() - {"python"}:
            (software.parent / name).mkdir(parents=True)
        # Whatever the umask of who runs the tests.
        own = [etc, software.parent, self.base / "staged"]
        for path in (self.base, *own, *(each for folder in own for each in folder.rglob("*"))):
            if path.exists():
                path.chmod(0o755 if path.is_dir() or path.name == "lfci" else 0o644)

    def _give(self, path: Path) -> None:
        if self.root:
            os.chown(path, self.kind.uid, self.kind.uid)

    def _stage(self) -> dict[str, Path]:
        """What is shown on the machine of the tests' own software: where the outer step puts it -> what."""
        found = {
            "python": _PYTHON,
            "site": Path(sysconfig.get_paths()["platlib"]),
            **{f"code/{name}": CHECKOUT / name for name in ("lfci_gate", "hooks", "templates")},
        }
        if self.kind.forger:
            found["code/tests"] = CHECKOUT / "tests"
        if self.root:
            for name in found:
                (self.base / "staged" / name).mkdir(parents=True)
        return found

    # -- what is done on it ----------------------------------------------------------------------

    def runs(
        self, *argv: str, where: str = "", env: Mapping[str, str] | None = None, timeout_s: int = 240
    ) -> Done:
        """A command there, by its user, in ``where`` (by default the home)."""
        command = [*self._outer(), *self._inner(where or self.kind.home, env or {}), *argv]
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def does(self, *argv: str, where: str = "", env: Mapping[str, str] | None = None) -> str:
        """As :meth:`runs`, for what must succeed: what it prints."""
        done = self.runs(*argv, where=where, env=env)
        assert done.status == 0, (argv, done.text)
        return done.out.strip()

    def _outer(self) -> list[str]:
        """As root: shows what another user could not reach at a place where they can, and becomes them."""
        if not self.root:
            return []
        argv = [_program("bwrap"), "--dev-bind", "/", "/"]
        for name, source in self._software.items():
            argv += ["--ro-bind", str(source), str(self.base / "staged" / name)]
        user = str(self.kind.uid)
        return [*argv, "--", _program("setpriv"), "--reuid", user, "--regid", user, "--clear-groups"]

    def _inner(self, where: str, env: Mapping[str, str]) -> list[str]:
        kind = self.kind
        argv = [_program("bwrap"), "--unshare-all", "--share-net", "--die-with-parent", "--new-session"]
        argv += ["--uid", str(kind.uid), "--gid", str(kind.uid), "--hostname", kind.host, "--clearenv"]
        argv += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        argv += ["--ro-bind", str(self.base / "etc"), "/etc"]
        for name in _LINKS:
            link = Path("/", name)
            if link.is_symlink():
                argv += ["--symlink", os.readlink(link), f"/{name}"]
            elif link.is_dir():
                argv += ["--ro-bind", f"/{name}", f"/{name}"]
        for name in ("/nix", "/tmp", "/var/tmp", kind.home):
            argv += ["--bind", str(self.file(name)), name]
        argv += ["--ro-bind", str(self.base / "software"), kind.software]
        for name, source in self._software.items():
            if name == "python" and source.is_relative_to("/usr"):
                continue
            shown = self.base / "staged" / name if self.root else source
            argv += ["--ro-bind", str(shown), str(source) if name == "python" else f"{kind.software}/{name}"]
        environment = {
            "PATH": ":".join((f"{kind.software}/bin", *kind.path)),
            "HOME": kind.home,
            "USER": kind.user,
            "LOGNAME": kind.user,
            **kind.environment,
            **env,
        }
        for name, value in environment.items():
            argv += ["--setenv", name, value]
        argv += ["--chdir", where, "--", "/bin/sh", "-c", f'umask {kind.umask}; exec "$@"', "sh"]
        if kind.cpus is not None:
            cpus = sorted(os.sched_getaffinity(0))[: kind.cpus]
            argv += [_program("taskset"), "-c", ",".join(map(str, cpus))]
        return argv


def interpreter() -> str:
    """The interpreter of every machine, without its packages."""
    return str(_PYTHON / "bin" / f"python{sys.version_info.major}.{sys.version_info.minor}")


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/bin:/bin")
    assert found is not None, f"{name} is not installed: make setup"
    return found
