"""The machine's configuration: what is read, and what is refused with a code and the place."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from lfci_gate.config.machine import parse_machine
from lfci_gate.engines import machine as machine_room
from lfci_gate.engines.machine import configuration_files, machine_of
from lfci_gate.errors import UsageError
from lfci_gate.machine import Builder, Caches, Machine
from lfci_gate.nix.builders import configure_ssh, line_of
from lfci_gate.value import replace

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHfRlLiMejLNKQaJuad/vUP33mR3kBXKwa3YCICAc87W"
IN_NIX = base64.b64encode(f"{HOST_KEY} root@big\n".encode()).decode()
CACHE_KEY = "cache.example.com-1:" + base64.b64encode(b"k" * 32).decode()
URI = "ssh-ng://build@big.example.com:2222"
LINE = f"{URI} x86_64-linux,i686-linux /etc/lfci/key 4 2 kvm,big benchmark {IN_NIX}"

TABLE = f"""
[[builders.machine]]
uri = "ssh-ng://build@big.example.com"
port = 2222
systems = ["x86_64-linux", "i686-linux"]
ssh-key = "/etc/lfci/key"
host-key = "{HOST_KEY} root@big"
max-jobs = 4
speed = 2
features = ["kvm", "big"]
mandatory-features = ["benchmark"]
"""
BIG = Builder(
    host="big.example.com",
    user="build",
    port=2222,
    key="/etc/lfci/key",
    host_key=HOST_KEY,
    systems=("x86_64-linux", "i686-linux"),
    jobs=4,
    speed=2,
    features=("kvm", "big"),
    mandatory=("benchmark",),
)


def read(text: str) -> Machine:
    return parse_machine(f"version = 1\n{text}".encode(), "config.toml")[0]


def test_both_ways_to_write_a_builder_say_the_same() -> None:
    assert read(f'[builders]\nmachines = ["{LINE}"]').builders == (BIG,)
    machine = read(f"[builders]\nretry = true\n{TABLE}")
    assert machine == Machine(builders=(BIG,), local=True, retry=True)
    assert line_of(BIG) == (
        "ssh-ng://lfci-big.example.com-309ecc6d5159 x86_64-linux,i686-linux - 4 2 kvm,big benchmark -"
    )
    assert BIG.can_build("x86_64-linux", frozenset({"benchmark", "kvm"}))
    assert not BIG.can_build("x86_64-linux", frozenset({"kvm"})), "the mandatory feature is not asked for"
    assert not BIG.can_build("x86_64-linux", frozenset({"benchmark", "other"}))
    assert not BIG.can_build("aarch64-linux", frozenset({"benchmark"}))


def test_ssh_believes_the_configured_host_key_only(tmp_path: Path) -> None:
    text = configure_ssh([BIG], tmp_path).read_text()
    assert "StrictHostKeyChecking yes" in text
    assert "BatchMode yes" in text
    assert (tmp_path / "known_hosts").read_text() == f"lfci-big.example.com-309ecc6d5159 {HOST_KEY}\n"
    # However their names are made, two builders are never taken for each other.
    twins = [
        replace(BIG, user="", host="a-b"),
        replace(BIG, user="a", host="b"),
        replace(BIG, host="b", user=""),
    ]
    assert len({line_of(each).split()[0] for each in (*twins, BIG)}) == 4
    blank = tmp_path / "a b"
    blank.mkdir()
    with pytest.raises(UsageError, match="LFCI531"):
        configure_ssh([BIG], blank)


def test_caches() -> None:
    urls = (
        "file:///srv/cache",
        "https://cache.example.com/nix",
        "http://cache.example.com:8080",
        "s3://bucket?region=eu-1",
    )
    text = f"[cache]\nnix = {json.dumps(urls)}\nkeys = {json.dumps([CACHE_KEY])}\n"
    pushed = f'push = "{urls[0]}"\nsigning-key = "/etc/lfci/cache.key"\n'
    assert read(text).caches == Caches(urls, (CACHE_KEY,), None, None)
    assert read(text + pushed).caches == Caches(urls, (CACHE_KEY,), urls[0], "/etc/lfci/cache.key")
    assert read("[cache]\nnix = []").caches == Caches((), (), None, None)
    assert read("[store]\nverify = true").verify


def cache(url: str, more: str = f'keys = ["{CACHE_KEY}"]') -> str:
    return f'[cache]\nnix = ["{url}"]\n{more}'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[builder]", "unknown key 'builder'"),
        ("[builders]\nlocal = false", "nothing could be built"),
        (f"[builders]\nlocal = false\nretry = true\n{TABLE}", "needs local = true"),
        (f"[builders]\n{TABLE}{TABLE}", "names a machine twice"),
        ('[builders]\nmachines = ["ssh-ng://big.example.com x86_64-linux"]', "has 2 fields and not 8"),
        ('[builders]\nmachines = ["@/etc/nix/machines"]', "has 1 fields"),
        (f"[builders]\n{TABLE.replace('ssh-ng://', 'ssh://')}", "must begin with ssh-ng://"),
        (f"[builders]\n{TABLE.replace('example.com', 'example.com?remote-program=x')}", "is not ssh-ng://"),
        (f"[builders]\n{TABLE.replace('build@', '-oProxyCommand=x@')}", "is not ssh-ng://"),
        (f"[builders]\n{TABLE.replace('/etc/lfci/key', 'key')}", "not an absolute path"),
        (f"[builders]\n{TABLE.replace('/etc/lfci/key', '/etc/%h')}", "not an absolute path"),
        (f"[builders]\n{TABLE.replace(HOST_KEY, 'ssh-ed25519 AAAA')}", "no public host key"),
        (f"[builders]\n{TABLE.replace('ssh-ed25519', 'ssh-rsa')}", "no public host key"),
        (f"[builders]\n{TABLE.replace('host-key', '# host-key')}", "host-key: is missing"),
        (f'[builders]\nmachines = ["{LINE.replace(IN_NIX, "-")}"]', "cannot be left out"),
        (f"[builders]\n{TABLE}ssh-options = []", "unknown key 'ssh-options'"),
        ('[cache]\nnix = ["https://cache.example.com"]', "keys: is missing"),
        (cache("https://cache.example.com?trusted=1"), "the parameter 'trusted' is refused"),
        (cache("https://cache.example.com?"), "the parameter '' is refused"),
        (cache("s3://bucket?secret-key=x"), "the parameter 'secret-key' is refused"),
        (cache("https://me:secret@cache.example.com"), "passwords"),
        (cache("file://host/srv/cache"), "is not file://"),
        (cache("ssh://cache.example.com"), "must begin with"),
        (cache("daemon"), "must begin with"),
        (cache("https://a b"), "is no URL"),
        (cache("https://cache.example.com", 'keys = ["x:AAAA"]'), "no public key of a cache"),
        (cache("https://cache.example.com") + '\npush = "file:///srv/x"', "signing-key: is missing"),
        ("[store]\nverify = 1", "must be true or false"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)
    assert refused.value.code == "LFCI531"
    assert words in refused.value.message


def test_each_table_counts_whole_from_the_first_file_that_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, operator = tmp_path / "home/.config/lfci/config.toml", tmp_path / "etc/config.toml"
    monkeypatch.setattr(machine_room, "OPERATOR", str(operator))
    environ = {"HOME": str(tmp_path / "home")}
    assert configuration_files(environ) == (str(user), str(operator))
    assert configuration_files({"HOME": "/h", "XDG_CONFIG_HOME": "relative"}) == (str(operator),)
    assert machine_of(environ) == Machine()
    for path in (user, operator):
        path.parent.mkdir(parents=True, mode=0o755)
    operator.write_text(f"version = 1\n[builders]\nretry = true\n{TABLE}\n[store]\nverify = true\n")
    assert machine_of(environ) == Machine(builders=(BIG,), retry=True, verify=True)
    user.write_text("version = 1\n[builders]\n")
    assert machine_of(environ) == Machine(verify=True), "none, instead of the operator's"
    # Links are followed; who could change what they lead to decides.
    moved = tmp_path / "dotfiles"
    moved.mkdir(mode=0o755)
    user.rename(moved / "config.toml")
    user.symlink_to(moved / "config.toml")
    assert machine_of(environ) == Machine(verify=True)
    for place in (moved, moved / "config.toml"):
        mode = place.stat().st_mode
        place.chmod(mode | 0o020)
        with pytest.raises(UsageError) as refused:
            machine_of(environ)
        assert (refused.value.code, refused.value.facts) == ("LFCI531", (str(place),))
        place.chmod(mode)
    if os.geteuid() == 0:
        os.chown(moved / "config.toml", 65534, -1)
        with pytest.raises(UsageError, match="LFCI531"):
            machine_of(environ)
