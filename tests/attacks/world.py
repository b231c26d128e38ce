"""Where attacks happen: one folder behind real servers, with templates that fresh forges are copied from."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.attacks.targets import Target
from tests.support.forge import CONFIG, Developer, Forge, first_landing, git_daemon, policy_text
from tests.support.transports import http_server, ssh_server

TRANSPORTS = ("daemon", "ssh", "http")
_MEASURE = Path(__file__).with_name("measure.py")
_INSTRUMENTED = Path(__file__).with_name("instrumented.py")


@dataclass(frozen=True)
class Served:
    """One transport to everything below the world's folder."""

    url: str
    env: dict[str, str]


@dataclass(frozen=True)
class Spec:
    """What a template is made of."""

    policy: bytes
    config: bytes = CONFIG
    files: tuple[tuple[str, bytes], ...] = ()
    object_format: str = "sha1"
    empty: bool = False
    """Nothing has landed."""

    @property
    def key(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


@dataclass
class World:
    """Forges below ``base`` and the servers in front of them."""

    base: Path
    served: dict[str, Served]
    prefix: str = ""
    """Keeps workers that share the servers apart: their folder below ``base``."""
    _count: Iterator[int] = field(default_factory=itertools.count)

    @property
    def home(self) -> Path:
        return self.base / self.prefix if self.prefix else self.base

    def url(self, path: Path, transport: str) -> str:
        return f"{self.served[transport].url}/{path.relative_to(self.base)}"

    def template(self, target: Target, spec: Spec) -> Path:
        """The folder with ``forge.git`` and ``clone``, made when first asked for."""
        place = self.home / "templates" / f"{target.name}-{spec.key}"
        if not place.exists():
            part = place.with_name(place.name + ".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            path = part / "forge.git"
            target.install(path, spec.policy, spec.object_format)
            developer = Developer(part / "clone", Forge(path, self.url(path, "daemon")))
            if not spec.empty:
                for name, data in spec.files:
                    developer.repo.write(name, data)
                first_landing(developer, spec.policy, spec.config)
            part.rename(place)
        return place

    def fresh(self, target: Target, spec: Spec, transport: str) -> tuple[Path, Forge]:
        """(a folder of its own, the forge in it): a copy of the template."""
        place = self.home / str(next(self._count))
        place.mkdir(parents=True)
        path = place / "forge.git"
        shutil.copytree(self.template(target, spec) / "forge.git", path)
        return place, Forge(path, self.url(path, transport))


@contextlib.contextmanager
def make_world(base: Path, transports: tuple[str, ...] = TRANSPORTS) -> Iterator[World]:
    """A world with servers for these transports; git daemon is always there."""
    repos = base / "repos"
    repos.mkdir(parents=True)
    with contextlib.ExitStack() as servers:
        served = {"daemon": Served(servers.enter_context(git_daemon(repos)), {})}
        if "ssh" in transports:
            served["ssh"] = Served(*servers.enter_context(ssh_server(repos, base / "ssh")))
        if "http" in transports:
            served["http"] = Served(*servers.enter_context(http_server(repos)))
        yield World(repos, served)


def measured(place: Path, forge: Forge, *, instrument: dict[str, Any] | None = None) -> Path:
    """Puts the measuring wrapper around the forge's pre-receive hook; the folder it reports to. With
    ``instrument`` the hook runs the instrumented gate, which is told this."""
    reports = place / "measured"
    reports.mkdir()
    hook = forge.path / "hooks/pre-receive"
    real = place / "pre-receive"
    text = hook.read_text()
    if instrument is not None:
        told = place / "instrument.json"
        told.write_text(json.dumps(instrument))
        gate = '"$python" -I -m lfci_gate.gate.receive pre-receive'
        assert gate in text
        text = text.replace(gate, f'"$python" -I {shlex.quote(str(_INSTRUMENTED))} {shlex.quote(str(told))}')
    real.write_text(text)
    real.chmod(0o755)
    python, *rest = (shlex.quote(str(each)) for each in (sys.executable, _MEASURE, reports, real))
    hook.write_text(f"#!/bin/sh\nexec {python} -I -S {' '.join(rest)}\n")
    hook.chmod(0o755)
    return reports


def default_policy() -> bytes:
    return policy_text()
