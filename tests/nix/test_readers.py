"""Nix's formats: derivations, archive hashes, literals, builder input. Second opinion: Nix itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.errors import Undecided
from lfci_gate.nix.aterm import StoreDerivation, parse_derivation
from lfci_gate.nix.expression import nix_string, shell_quote
from lfci_gate.nix.nar import nar_hash
from lfci_gate.nix.process import Nix, last_lines
from lfci_gate.nix.structured import attrs_shell, builder_input

DRV = (
    b'Derive([("out","/nix/store/o","","")],[("/nix/store/a.drv",["dev","out"])],["/nix/store/s"],'
    b'"x86_64-linux","/nix/store/b/bin/bash",["-c","a\\nb\\"\\\\\\t"],[("name","n"),("v","")])'
)


@contextmanager
def allowed_error() -> Iterator[None]:
    try:
        yield
    except Undecided as error:
        if error.code != "LFCI304":
            raise


@pytest.fixture
def nix(tmp_path: Path) -> Nix:
    private = tmp_path / "private"
    private.mkdir()
    return Nix(private)


def test_a_derivation_is_read() -> None:
    drv = parse_derivation(DRV)
    assert drv.outputs == {"out": "/nix/store/o"}
    assert drv.input_drvs == {"/nix/store/a.drv": ("dev", "out")}
    assert drv.input_srcs == ("/nix/store/s",)
    assert (drv.system, drv.builder) == ("x86_64-linux", "/nix/store/b/bin/bash")
    assert drv.args == ("-c", 'a\nb"\\\t')
    assert drv.env == {"name": "n", "v": ""}


@given(st.binary() | st.binary().map(lambda data: b"Derive(" + data))
def test_arbitrary_bytes_give_a_derivation_or_one_error(data: bytes) -> None:
    with allowed_error():
        parse_derivation(data)


@given(st.integers(0, len(DRV) - 1), st.sampled_from(b'()[],"\\a'))
def test_a_changed_byte_gives_a_derivation_or_one_error(position: int, byte: int) -> None:
    with allowed_error():
        assert isinstance(
            parse_derivation(DRV[:position] + bytes([byte]) + DRV[position + 1 :]), StoreDerivation
        )


def test_deep_nesting_is_no_recursion() -> None:
    with pytest.raises(Undecided):
        parse_derivation(b"Derive(" + b"[" * 1_000_000)


def test_the_archive_hash_is_nix_s_own(nix: Nix, tmp_path: Path) -> None:
    top = tmp_path / "top"
    (top / "dir" / "empty").mkdir(parents=True)
    (top / "empty").write_bytes(b"")
    (top / "eight").write_bytes(b"12345678")
    (top / "dir" / "run").write_bytes(b"#!/bin/sh\n")
    (top / "dir" / "run").chmod(0o755)
    (top / "link").symlink_to("nowhere")
    (top / "Zed").write_bytes(b"sorted by bytes")
    done = nix.run("hash", "path", str(top))
    assert nar_hash(top) == done.stdout.decode().strip()


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40))
def test_literals_are_quoted_for_shells(text: str) -> None:
    done = subprocess.run(["sh", "-c", f"printf %s {shell_quote(text)}"], capture_output=True, check=True)
    assert done.stdout == text.encode()


def test_literals_are_quoted_for_nix(nix: Nix) -> None:
    texts = ["", "${x}", "$${x}", "\\${x}", '"', "\\", "\n\t", "''", "ä𝄞", "$", "a\rb"]
    expression = "[" + " ".join(map(nix_string, texts)) + "]"
    done = nix.run("eval", "--json", "--expr", expression)
    assert json.loads(done.stdout) == texts


def test_structured_attributes_are_written_as_nix_writes_them() -> None:
    attributes = {
        "text": "it's",
        "number": 3,
        "whole": 2.0,
        "part": 2.5,
        "yes": True,
        "no": False,
        "nothing": None,
        "list": ["a b", 1],
        "nested": [["x"]],
        "map": {"k 1": "v", "a": 1},
        "not-a-name": "x",
    }
    assert attrs_shell(attributes).splitlines() == [
        "declare -a list=('a b' 1 )",
        "declare -A map=(['a']=1 ['k 1']='v' )",
        "declare no=",
        "declare nothing=''",
        "declare number=3",
        "declare text='it'\"'\"'s'",
        "declare whole=2",
        "declare yes=1",
    ]


@pytest.mark.parametrize("text", ["[]", "x", "[" * 100_000])
def test_structured_attributes_that_are_no_object_are_undecided(text: str) -> None:
    drv = StoreDerivation({"out": "/o"}, {}, (), "s", "b", (), {"__json": text})
    with pytest.raises(Undecided) as error:
        builder_input(drv, cores=1)
    assert error.value.code == "LFCI319"


def test_the_version_is_told(nix: Nix) -> None:
    version = nix.version()
    assert version.name == "nix"
    assert version.version[0].isdigit()


def test_the_version_is_remembered_for_this_very_program(nix: Nix, tmp_path: Path) -> None:
    remembered = tmp_path / "version"
    version = nix.version(remembered)
    key, answer = remembered.read_text().split("\n")
    remembered.write_text(f"{key}\nnix (Lix, like Nix) 2.91.0")
    assert nix.version(remembered) == ("lix", "2.91.0")
    remembered.write_text(f"another program\n{answer}")
    assert nix.version(remembered) == version


def test_the_words_of_a_tool_become_printable_lines() -> None:
    assert last_lines(b"\x1b[31mred\x1b[0m\n\nb\x07\xff\n" * 20, 2) == ("red", "b?�")


def test_nix_that_is_not_there_is_undecided(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lfci_gate.nix.process._PLACES", ())
    with pytest.raises(Undecided) as error:
        Nix(tmp_path, environ={"PATH": str(tmp_path)})
    assert error.value.code == "LFCI303"
