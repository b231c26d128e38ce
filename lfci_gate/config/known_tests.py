"""Which paths of a tree hold its tests: what the first policy protects."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FOLDERS = ("__tests__", "e2e", "spec", "specs", "t", "test", "testing", "tests")
_FILES = (
    (re.compile(r"conftest\.py"), "**/conftest.py"),
    (re.compile(r"test_[^/]*\.py"), "**/test_*.py"),
    (re.compile(r"[^/]*_test\.go"), "**/*_test.go"),
    (re.compile(r"[^/]*_test\.exs"), "**/*_test.exs"),
    (re.compile(r"[^/]*\.test\.[cm]?[jt]sx?"), "**/*.test.*"),
    (re.compile(r"[^/]*\.spec\.[cm]?[jt]sx?"), "**/*.spec.*"),
    (re.compile(r"[^/]*_spec\.rb"), "**/*_spec.rb"),
)


def known_tests(paths: Iterable[bytes]) -> tuple[str, ...]:
    """Patterns for the test folders and test files of a tree, sorted; empty when none are known.

    A folder at the root is named itself; one further down is named at any depth. Files that a
    folder already covers add nothing.
    """
    found: set[str] = set()
    for path in paths:
        *folders, name = path.decode("utf-8", "replace").split("/")
        hits = [depth for depth, folder in enumerate(folders) if folder in _FOLDERS]
        if hits:
            folder = folders[hits[0]]
            # A `t` further down is as likely a translation, and a `testing` a library for tests.
            if hits[0] == 0:
                found.add(f"{folder}/")
            elif folder not in ("t", "testing"):
                found.add(f"**/{folder}/")
        else:
            found.update(pattern for shape, pattern in _FILES if shape.fullmatch(name))
    return tuple(sorted(each for each in found if f"**/{each}" not in found))


def pattern_of(path: str) -> str:
    """A pattern that matches ``path``; what the language cannot say literally becomes ``?``."""
    # The bytes of such a character: one ? each.
    text = re.sub(r"[\[{\\*?\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda m: "?" * len(m[0].encode()), path)
    if text.startswith(("!", " ")):
        text = "?" + text[1:]
    return text[:-1] + "?" if text.endswith(" ") else text
