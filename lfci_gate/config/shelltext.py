"""Which shell text does nothing: an alias that cannot fail, or always fails, tests nothing."""

from __future__ import annotations

import shlex

_MAX_CHARS = 64 * 1024
_SEPARATORS = frozenset((";", "&&", "||", "&", "|", ";;", "|&", "(", ")"))
_NOTHING = frozenset(
    ("true", ":", "/bin/true", "/usr/bin/true", "echo", "printf", "exit", "set", "cd", "false")
)
_PLACEHOLDER = "no test specified"


def vacuous(text: str) -> str | None:
    """Why ``text`` is no test command, or None when it runs something.

    ``true``, ``exit 0``, only ``echo``, comments or nothing at all, and npm's placeholder. Text that
    cannot be split the way a shell would is taken to run something: the run will tell.
    """
    if _PLACEHOLDER in text:
        return "is npm's placeholder"
    if len(text) > _MAX_CHARS:
        return None
    something = False
    for line in text.replace("\\\n", " ").split("\n"):
        try:
            words = shlex.shlex(line.strip().lstrip("@-+"), posix=True, punctuation_chars=True)
            words.commenters = "#"
            commands = _first_words(list(words))
        except ValueError:
            return None
        if not _NOTHING.issuperset(commands):
            return None
        something = something or bool(commands)
    return "only does what cannot test anything" if something else "is empty"


def _first_words(words: list[str]) -> list[str]:
    found: list[str] = []
    first = True
    for word in words:
        if word in _SEPARATORS:
            first = True
        elif first:
            found.append(word)
            first = False
    return found
