"""Binary caches: what a trusted key signed is taken, whatever serves it; nothing else is, and it is said."""

from __future__ import annotations

import http.server
import lzma
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from lfci_gate.errors import LfciError, Undecided, UsageError
from lfci_gate.machine import Caches, Machine
from lfci_gate.nix.aterm import parse_derivation
from lfci_gate.nix.caches import answers, push, take_output
from lfci_gate.nix.process import Nix
from lfci_gate.nix.realise import is_valid
from lfci_gate.nix.store import environment_closure, refuse_altered
from tests.support.world import World

MADE = """
let
  bash = builtins.path { name = "bash"; path = @bash@; };
  system = "x86_64-linux";
  made = name: refers: derivation {
    inherit name system; builder = bash; random = "@random@";
    args = [ "-euc" "echo ${name} ${refers} > $out" ];
  };
in derivation { name = "run"; inherit system; builder = bash; x = made "env" (made "dependency" ""); }
"""
"""An environment of two paths, with nothing but a static shell to make them."""

NO_CACHES = Machine(caches=Caches((), (), None, None))


class Served(NamedTuple):
    """A cache with one environment in it."""

    place: Path
    key: str
    """The public key that signed it."""
    drv: str
    """Whose inputs the environment is."""
    env: str
    dependency: str

    def narinfo(self, path: str) -> Path:
        return self.place / f"{Path(path).name[:32]}.narinfo"

    def nar(self, path: str) -> Path:
        lines = self.narinfo(path).read_text().splitlines()
        return self.place / next(line.split()[1] for line in lines if line.startswith("URL:"))

    def edit(self, path: str, name: str, value: str | None) -> None:
        """Sets a field of an entry, or takes it away; the signature stays what it was."""
        lines = self.narinfo(path).read_text().splitlines()
        assert any(line.startswith(f"{name}:") for line in lines)
        kept = [line for line in lines if not line.startswith(f"{name}:")]
        self.narinfo(path).write_text("\n".join(kept + ([f"{name}: {value}"] if value else [])) + "\n")


def make_key(place: Path, name: str) -> str:
    """A secret key at ``place``; the public one."""
    public = place.with_name(f"{place.name}.pub")
    subprocess.run(["nix-store", "--generate-binary-cache-key", name, place, public], check=True)
    return public.read_text().strip()


@pytest.fixture(scope="module")
def made(world: World, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """Built in this machine's store and pushed."""
    top = tmp_path_factory.mktemp("cache")
    key = make_key(top / "secret", "cache.example.com-1")
    bash = str(world.path / "seed/bin/bash")
    (top / "made.nix").write_text(MADE.replace("@bash@", bash).replace("@random@", str(top)))
    nix = plain(top)
    drv = nix.run("eval", "--raw", "--impure", "--file", str(top / "made.nix"), "drvPath").stdout.decode()
    parsed = parse_derivation(Path(drv).read_bytes())
    closure = environment_closure(nix, parsed, "", top / "roots")
    url = f"file://{top}/cache"
    push(nix, url, str(top / "secret"), closure)
    assert answers(nix, url) == (True, "")
    env, dependency = (
        next(path for path in closure if path.endswith(f"-{name}")) for name in ("env", "dependency")
    )
    return Served(top / "cache", key, drv, env, dependency)


def plain(top: Path, machine: Machine | None = None, store: Path | None = None, *, build: bool = True) -> Nix:
    private = top / f"private-{len(list(top.glob('private-*')))}"
    private.mkdir()
    options = () if build else (("max-jobs", "0"),)
    return Nix(private, machine=machine or NO_CACHES, store=store, options=options)


@pytest.fixture
def served(made: Served, tmp_path: Path) -> Served:
    """A copy that a test may spoil."""
    shutil.copytree(made.place, tmp_path / "cache")
    return made._replace(place=tmp_path / "cache")


def second_machine(
    served: Served, tmp_path: Path, url: str | None = None, *, keys: tuple[str, ...] = (), build: bool = False
) -> Nix:
    """A store that knows the derivations and has nothing of what they make; it builds nothing itself."""
    store = tmp_path / "store"
    copied = plain(tmp_path).run("copy", "--derivation", "--no-check-sigs", "--to", str(store), served.drv)
    assert copied.status == 0, copied.stderr
    caches = Caches((url or f"file://{served.place}",), keys or (served.key,), None, None)
    return plain(tmp_path, Machine(caches=caches), store, build=build)


def take(nix: Nix, served: Served, tmp_path: Path, said: list[str] | None = None) -> tuple[str, ...]:
    parsed = parse_derivation(nix.real(served.drv).read_bytes())
    return environment_closure(
        nix, parsed, "", tmp_path / "roots", warn=([] if said is None else said).append
    )


@contextmanager
def http_server(place: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """Nothing: what went wrong shows at the client."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(place)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)


def test_what_a_trusted_key_signed_is_taken(served: Served, tmp_path: Path) -> None:
    with http_server(served.place) as url:
        nix = second_machine(served, tmp_path, url)
        assert answers(nix, url) == (True, "")
        said: list[str] = []
        assert served.env in take(nix, served, tmp_path, said)
        assert said == []
    assert "env" in nix.real(served.env).read_text()


def spoil_nar(served: Served) -> None:
    """Nix takes any compression for any other."""
    done = subprocess.run(["nix-store", "--dump", served.env], capture_output=True, check=True)
    assert done.stdout.count(b"env /nix") == 1
    served.nar(served.env).write_bytes(lzma.compress(done.stdout.replace(b"env /nix", b"bad /nix")))


SPOILED: dict[str, Callable[[Served], object]] = {
    "unsigned": lambda served: served.edit(served.env, "Sig", None),
    "other-content": spoil_nar,
    "ends-early": lambda served: served.nar(served.env).write_bytes(served.nar(served.env).read_bytes()[:90]),
    "no-archive": lambda served: served.nar(served.env).write_bytes(b"no archive at all"),
    "other-hash": lambda served: served.edit(served.env, "NarHash", f"sha256:{'0' * 52}"),
    "other-references": lambda served: served.edit(served.env, "References", ""),
    "other-compression": lambda served: served.edit(served.env, "Compression", "none"),
    "another-s-entry": lambda served: shutil.copy(
        served.narinfo(served.dependency), served.narinfo(served.env)
    ),
    "another-s-content": lambda served: shutil.copy(served.nar(served.dependency), served.nar(served.env)),
    "no-entry": lambda served: served.narinfo(served.env).write_text("nonsense\n"),
}


@pytest.mark.parametrize("how", SPOILED)
def test_what_is_spoiled_is_refused_and_nothing_of_it_is_registered(
    served: Served, tmp_path: Path, how: str
) -> None:
    SPOILED[how](served) if how != "other-references" else _drop_references(served)
    nix = second_machine(served, tmp_path)
    with pytest.raises(Undecided) as refused:
        take(nix, served, tmp_path)
    assert refused.value.code == "LFCI332", (refused.value, refused.value.facts)
    assert refused.value.facts
    assert not is_valid(nix, served.env)
    assert not (tmp_path / "roots").exists() or not list((tmp_path / "roots").glob("*/closure"))


def _drop_references(served: Served) -> None:
    text = served.narinfo(served.env).read_text()
    lines = ["References: " if line.startswith("References:") else line for line in text.splitlines()]
    served.narinfo(served.env).write_text("\n".join(lines) + "\n")


def test_a_key_that_nobody_trusts_signs_nothing(served: Served, tmp_path: Path) -> None:
    other = make_key(tmp_path / "other", "cache.example.com-1")  # of the same name
    nix = second_machine(served, tmp_path, keys=(other,))
    with pytest.raises(Undecided, match="LFCI332"):
        take(nix, served, tmp_path)
    assert not is_valid(nix, served.env)


def test_where_it_can_be_built_an_unsigned_entry_is_passed_over_with_a_warning(
    served: Served, tmp_path: Path
) -> None:
    SPOILED["unsigned"](served)
    nix = second_machine(served, tmp_path, build=True)
    said: list[str] = []
    assert served.env in take(nix, served, tmp_path, said)
    assert len(said) == 1
    assert "is not signed by any of the keys" in said[0]


def test_signatures_are_asked_for_whatever_nix_conf_says(
    served: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SPOILED["unsigned"](served)
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/nix.conf").write_text("require-sigs = false\n")
    monkeypatch.setenv("NIX_CONF_DIR", str(tmp_path / "conf"))
    with pytest.raises(Undecided, match="LFCI332"):
        take(second_machine(served, tmp_path), served, tmp_path)


def test_caches_that_are_not_there(served: Served, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    nix = second_machine(served, tmp_path, f"file://{nowhere}")
    assert answers(nix, f"file://{nowhere}") == (False, "no binary cache is there")
    assert not nowhere.exists(), "looking makes none"
    with pytest.raises(LfciError) as failed:
        take(nix, served, tmp_path)
    assert failed.value.code == "LFCI306"
    # Debian's Nix has no S3, and says so; it must not look as if nothing had been configured.
    nix = second_machine(served, tmp_path, "s3://bucket?region=eu-west-1", build=True)
    with pytest.raises(Undecided) as undecided:
        take(nix, served, tmp_path)
    assert (undecided.value.code, "S3" in undecided.value.hint) == ("LFCI333", True)
    with pytest.raises(Undecided, match="LFCI333"):
        take_output(second_machine(served, tmp_path), served.drv, "out")
    with pytest.raises(UsageError, match="LFCI531"):
        push(nix, f"file://{nowhere}", str(tmp_path / "none"), [served.env])


def test_an_altered_path_is_found_when_an_environment_is_first_used_and_on_demand(
    served: Served, tmp_path: Path
) -> None:
    """In this machine's store, where the environment was built."""
    nix = plain(tmp_path)
    take(nix, served, tmp_path)
    file = Path(served.dependency)
    before = file.read_bytes()
    file.chmod(0o644)
    try:
        file.write_bytes(b"other\n")
        for roots, verify in (("new", False), ("roots", True)):
            with pytest.raises(Undecided) as undecided:
                environment_closure(
                    nix, parse_derivation(Path(served.drv).read_bytes()), "", tmp_path / roots, verify=verify
                )
            assert undecided.value.code == "LFCI326"
            assert served.dependency in undecided.value.facts[0]
        assert not (tmp_path / "new").exists() or not list((tmp_path / "new").glob("*/closure"))
    finally:
        file.write_bytes(before)
        file.chmod(0o444)
    refuse_altered(nix, (served.dependency,))
