"""Makefiles, justfiles and shell text, read without running them."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lfci_gate.config.make_text import just_recipes, makefile_targets
from lfci_gate.config.shelltext import vacuous


@pytest.mark.parametrize(
    ("text", "targets"),
    [
        ("test:\n\tpytest\n", {"test": "pytest\n"}),
        ("test: a b\n\tpytest\n", {"test": None}),
        ("a b:\n\tx\n", {"a": "x\n", "b": "x\n"}),
        ("test::\n\tx\n", {"test": "x\n"}),
        ("a b &:\n\tx\n", {"a": "x\n", "b": "x\n"}),
        ("test: ; pytest\n", {"test": "pytest\n"}),
        ("test:a;b\n", {"test": None}),
        ("test: # nothing\n", {"test": ""}),
        ("test:\n\t@-pytest\n\n# c\n\tmore\n", {"test": "pytest\nmore\n"}),
        ("test:\\\n a\n\tx\n", {"test": None}),
        ("test:\nifdef X\n\ta\nelse\n\tb\nendif\n", {"test": "a\nb\n"}),
        ("test:\ntest: a\n", {"test": None}),
        ("test := 1\ntest ::= 1\ntest :::= 1\ntest = a:b\ntest ?= 1\ntest += 1\ntest != a\n", {}),
        ("test: X = 1\ntest: export Y := 2\n", {}),
        ("X = $(shell a: b)\n", {}),
        ("$(X): a\n%.o: %.c\n\tcc\n", {}),
        ("$(if a:b,c) test: a\n", {"test": None}),
        ("# test: a\n", {}),
        ("define test\ntest:\n\tx\nendef\ncheck:\n\ty\n", {"check": "y\n"}),
        ("include a.mk\n-include b:c\nexport X\n", {}),
        (".PHONY: test\n", {".PHONY": None}),
        ("url = http://x\n\ttest: a\n", {}),
        ("", {}),
    ],
)
def test_makefile(text: str, targets: dict[str, str | None]) -> None:
    assert makefile_targets(text) == targets


@pytest.mark.parametrize(
    ("text", "recipes", "needy"),
    [
        ("test:\n    pytest\n", {"test": "pytest\n"}, set()),
        ("test: build\n    pytest\n", {"test": None}, set()),
        ("@test:\n\t@pytest\n", {"test": "pytest\n"}, set()),
        ("test *args:\n  pytest\n", {"test": "pytest\n"}, set()),
        ("test a='b:c' $d=\"e\":\n  pytest\n", {"test": "pytest\n"}, set()),
        ("test a:\n  x\n", {"test": "x\n"}, {"test"}),
        ("test +a:\n  x\n", {"test": "x\n"}, {"test"}),
        ("x := 'test: a'\nset shell := ['sh']\nexport Y := '1'\nimport 'a'\nmod b\n", {}, set()),
        ("[private]\n[unix]\ntest:\n  x\n", {"test": "x\n"}, set()),
        ("alias t := test\nalias c := none\ntest:\n  x\n", {"test": "x\n", "t": "x\n"}, set()),
        ("alias test := a\na b:\n  x\n", {"a": "x\n", "test": "x\n"}, {"a", "test"}),
        ("# test:\n", {}, set()),
        ("test: # c\n", {"test": ""}, set()),
    ],
)
def test_justfile(text: str, recipes: dict[str, str | None], needy: set[str]) -> None:
    assert just_recipes(text) == (recipes, needy)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "# a comment",
        "true",
        ":",
        "@true",
        "exit 0",
        "exit",
        "exit 1",
        "false",
        "/bin/true",
        "echo ok",
        "echo 'a && pytest'",
        "echo ok && exit 0",
        "true; true || true",
        "set -e\ncd x\ntrue\n",
        "#!/bin/sh\n\necho a \\\n b\n",
        "(true)",
        "echo ok | true",
        'echo "Error: no test specified" && exit 1',
    ],
)
def test_vacuous(text: str) -> None:
    assert vacuous(text)


@pytest.mark.parametrize(
    "text",
    [
        "pytest",
        "true && pytest",
        "echo a; make",
        "exit 0 || x",
        "cd x && make",
        "A=1 make",
        "echo 'unbalanced",
        "$(x)",
    ],
)
def test_not_vacuous(text: str) -> None:
    assert vacuous(text) is None


@given(st.text(alphabet="ab:=;#$(){}\\\n\t '\"&|@-%*+", max_size=60))
@settings(max_examples=300, deadline=None)
def test_any_text_is_read(text: str) -> None:
    makefile_targets(text)
    just_recipes(text)
    vacuous(text)


@pytest.mark.parametrize(
    "text",
    [
        "a:" * 100_000,
        "a:\n" * 80_000,
        "(" * 200_000,
        "a " * 100_000 + ":",
        "'" * 100_001,
        "\\\n" * 100_000,
        "`a" * 99_999,
    ],
)
def test_hostile_text_costs_little(text: str) -> None:
    start = time.process_time()
    makefile_targets(text)
    just_recipes(text)
    vacuous(text)
    assert time.process_time() - start < 5
