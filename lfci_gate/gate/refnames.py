"""Rule 1: which ref names a push may touch. Pure."""

from __future__ import annotations

import enum
from collections.abc import Callable

from lfci_gate.errors import Refusal


class Namespace(enum.Enum):
    BRANCH = "refs/heads/"
    TAG = "refs/tags/"
    NOTES = "refs/notes/"
    INBOX = "refs/lfci/inbox/"


_MAX_BYTES = 1024
_MAX_PART_BYTES = 250
"""A ref is a file, and the file that locks it has five more."""
_FORBIDDEN = frozenset(" ~^:?*[\\\x7f")
_REMOTES = ("", "origin/", "upstream/")
"""What clones usually call a forge; empty: the branch itself."""
_UNSEEN = frozenset(("Cc", "Cf", "Cn", "Me", "Mn", "Zl", "Zp", "Zs"))
"""Unicode categories that show nothing, or only a mark on the letter before."""
_BLANK = "\u115f\u1160\u2800"
"""Letters and symbols that show nothing all the same: Hangul fillers, the empty Braille pattern."""
_TWINS = (
    "\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0455\u0456\u0458\u04bb\u04cf\u0501\u051b\u051d"  # Cyrillic
    "\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5"  # Greek
    "\u0131\u0237\u0251\u0261\u0578\u057d\u0585"  # Latin, Armenian
)
_LATIN = "aeopcyxsijhldqwaikvopuijagnuo"
"""Small letters that look like those of the Latin alphabet, and these: the usual ones, not all of Unicode's
list (UTS #39)."""
_NESTED = ("refs/heads/refs/", "refs/heads/heads/", "refs/tags/refs/", "refs/tags/tags/")


def classify(ref: str) -> Namespace:
    """The namespace of a pushed ref. Raises Refusal LFCI209 for the forge's own evidence refs,
    LFCI211 for every name that is malformed or in an unknown namespace (rule 1)."""
    problem = malformed(ref)
    if problem:
        raise _not_allowed(ref, problem)
    if fold(ref).startswith(("refs/notes/lfci", "refs/lfci/")) and not ref.startswith(Namespace.INBOX.value):
        raise Refusal("LFCI209", f"{ref} is written by the forge only")
    if ref.startswith(_NESTED) or ref in ("refs/heads/HEAD", "refs/tags/HEAD"):
        raise _not_allowed(ref, "a name nested like this is mistaken for another ref")
    for namespace in Namespace:
        if ref.startswith(namespace.value):
            return namespace
    raise _not_allowed(ref, "only refs/heads/, refs/tags/, refs/notes/ and the inbox take pushes")


def refuse_look_alike(ref: str, is_protected: Callable[[str], bool]) -> None:
    """Raises Refusal LFCI211 when ``ref`` is not protected but would be taken for a ref that is:
    other case, another Unicode form, or invisible characters in between.

    ``is_protected`` answers for a name in folded form (see :func:`fold`).
    """
    if is_protected(fold(ref)):
        raise _not_allowed(ref, "it looks like a protected ref, and is not that ref")


def shadowed_by(ref: str) -> tuple[str, ...]:
    """Branches that ``ref`` is taken for where git resolves a short name, when it is a tag: `main` is
    looked for among the tags first, and so is `origin/main`, which in clones is the forge's branch."""
    if not ref.startswith(Namespace.TAG.value):
        return ()
    name = ref.removeprefix(Namespace.TAG.value)
    return tuple(
        Namespace.BRANCH.value + name.removeprefix(remote) for remote in _REMOTES if name.startswith(remote)
    )


def fold(text: str) -> str:
    """Case-folded compatibility form without accents and invisible characters, letters of other scripts
    that look like Latin ones replaced by these, for comparing looks."""
    if text.isascii():
        return text.lower()
    import unicodedata  # only for the rare non-ASCII name

    normal = unicodedata.normalize("NFKD", text).casefold()
    visible = "".join(c for c in normal if unicodedata.category(c) not in _UNSEEN and c not in _BLANK)
    return unicodedata.normalize("NFKC", visible).translate(str.maketrans(_TWINS, _LATIN))


def malformed(ref: str) -> str:
    """Why git check-ref-format would refuse the name, or we do; empty when it is well formed."""
    if len(ref.encode("utf-8", "surrogateescape")) > _MAX_BYTES:
        return "longer than 1,024 bytes"
    if not ref.startswith("refs/") or ref.count("/") < 2:
        return "not below refs/<namespace>/"
    if any(c in _FORBIDDEN or c < " " or "\ud800" <= c <= "\udfff" for c in ref):
        return "a character that is not allowed in ref names"
    if ".." in ref or "@{" in ref or "//" in ref or ref.endswith(("/", ".")):
        return "a sequence that is not allowed in ref names"
    if any(part.startswith(".") or part.endswith(".lock") for part in ref.split("/")):
        return "a component that is not allowed in ref names"
    if any(len(part.encode()) > _MAX_PART_BYTES for part in ref.split("/")):
        return "a component of more than 250 bytes"
    return ""


def _not_allowed(ref: str, why: str) -> Refusal:
    return Refusal("LFCI211", f"the ref name {ascii(ref)} is not allowed", facts=(why,))
