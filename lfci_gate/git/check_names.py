"""Which names in a tree no client can be trusted with. Pure; context-free; names are raw bytes.

The rules are those of git's own fsck and of the check before a path enters the index, for every
platform at once, because a tree is judged once and checked out anywhere:

- ``.git`` as any file system may spell it: case, trailing dots and spaces, ``git~1`` (the short
  name of NTFS), ``.git:...`` and ``.git::$INDEX_ALLOCATION`` (its streams), and the code points
  that HFS+ leaves out when it compares;
- ``.``, ``..``, and what Windows turns into them by dropping trailing dots and spaces;
- a backslash separates directories on Windows: the parts are judged like names. Otherwise a
  backslash is a byte like others (systemd's escaped unit names have it);
- names longer than 255 bytes, which common file systems do not take.

Names that differ only by case or Unicode form are one file on some systems: ``collision`` finds them.
Bytes that are no UTF-8 are read as git reads them on Windows (compat/mingw.h, xutftowcsn): as latin-1,
and those that are no printable character there as two hex digits.
"""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterable
from typing import Final

__all__ = [
    "ACTING",
    "MAX_NAME_BYTES",
    "are_plain",
    "collision",
    "fold",
    "is_dotgit",
    "name_problem",
    "special_name",
]

MAX_NAME_BYTES: Final = 255

# What HFS+ ignores in names (git's utf8.c): joiners, marks, embeddings, shaping, byte order mark.
_IGNORED_BY_HFS: Final = tuple(
    chr(point).encode("utf-8")
    for point in (*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF)
)
# For what "surrogateescape" leaves of bytes that are no UTF-8.
_LEGACY: Final = {0xDC00 + byte: chr(byte) if byte >= 0xA0 else f"{byte:x}" for byte in range(0x80, 0x100)}
# Neither ~ (short names) nor : (streams), backslash or space (Windows); nothing beyond ASCII.
_PLAIN: Final = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-+@=,()[]#%$!&'"
_PLAIN_AND_SLASH: Final = _PLAIN + b"/"

# Files whose meaning is git's: (name, the six letters of its NTFS fall-back short name).
_SPECIAL: Final = (
    (b".gitmodules", b"gi7eba"),
    (b".gitattributes", b"gi7d29"),
    (b".gitignore", b"gi250a"),
    (b".mailmap", b"maba30"),
)
ACTING: Final = (b".gitmodules", b".gitattributes")
"""Those that clients act on: they must be files, and say nothing dangerous."""


def are_plain(names: Collection[bytes]) -> bool:
    """Whether neither ``name_problem`` nor ``special_name`` can object to any of these names.

    Every trick needs an unusual length, a dot in front or an unusual byte. Asked for a whole
    directory at once, which costs a tenth of asking for each name.
    """
    joined = b"/" + b"/".join(names)
    return (
        not joined.translate(None, _PLAIN_AND_SLASH)
        and joined.count(b"/") == max(len(names), 1)
        and b"/." not in joined
        and min(map(len, names), default=1) > 0
        and max(map(len, names), default=0) <= MAX_NAME_BYTES
    )


def name_problem(name: bytes) -> str | None:
    """Why an entry of a tree must not have this name; None when it may."""
    if len(name) > MAX_NAME_BYTES:
        return f"a name longer than {MAX_NAME_BYTES} bytes"
    return None if are_plain((name,)) else _unusual_problem(name)


@functools.lru_cache(maxsize=4096)
def _unusual_problem(name: bytes) -> str | None:
    if b"/" in name or b"\0" in name:
        return "a name with a slash or a NUL"
    for part in name.split(b"\\"):
        if not _without_ignored(part).strip(b". "):
            return "an empty name, dots, or what some systems take for them"
        if is_dotgit(part):
            return ".git, or what some systems take for it"
    return None


def is_dotgit(name: bytes) -> bool:
    """Whether some file system takes ``name`` (one component) for ``.git``."""
    lowered = name.lower()
    if lowered.startswith((b".git", b"git~1")):
        rest = lowered[4:] if lowered.startswith(b".git") else lowered[5:]
        rest = rest.lstrip(b". ")
        if not rest or rest[:1] in (b":", b"\\"):
            return True
    cleaned = _without_ignored(lowered)
    return cleaned.startswith(b".git") and _ends_for_hfs(cleaned[4:])


def special_name(name: bytes) -> bytes | None:
    """Which of git's own files some file system takes ``name`` for (``.gitmodules``, ...); or None."""
    for part in name.lower().split(b"\\"):
        cleaned = _without_ignored(part)
        if cleaned.startswith(b".") or b"~" in part:
            for wanted, short in _SPECIAL:
                if _is_special(part, cleaned, wanted, short):
                    return wanted
    return None


def fold(name: bytes) -> bytes:
    """What ``name`` is compared by where case and Unicode form do not count."""
    if name.isascii():
        return name.lower()
    import unicodedata  # here: only names beyond ASCII need to pay for it

    text = _joined(_without_ignored(name)).decode("utf-8", "surrogateescape").translate(_LEGACY)
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold()).encode("utf-8")


def collision(names: Collection[bytes], accepted: Iterable[bytes] = ()) -> tuple[bytes, bytes] | None:
    """Two of ``names`` (each there once) that are one file somewhere, not both in ``accepted``."""
    folded = {name.lower() for name in names}
    if len(folded) == len(names) and all(map(bytes.isascii, folded)):
        return None
    known = frozenset(accepted)
    first: dict[bytes, bytes] = {}
    # New names last, so that a pair with a new name is found however many old ones collide.
    for name in sorted(names, key=lambda each: (each not in known, each)):
        other = first.setdefault(fold(name), name)
        if other != name and name not in known:
            return other, name
    return None


def _without_ignored(name: bytes) -> bytes:
    # All of them start with one of these pairs, which few other characters do.
    if not name.isascii() and (b"\xe2\x80" in name or b"\xe2\x81" in name or b"\xef\xbb" in name):
        for ignored in _IGNORED_BY_HFS:
            name = name.replace(ignored, b"")
    return name


def _joined(name: bytes) -> bytes:
    """``name`` with each pair of UTF-16 that is written as two halves written as the character it is."""
    at = name.find(b"\xed")
    while at >= 0:
        pair = name[at : at + 6]
        try:
            text = (
                pair.decode("utf-8", "surrogatepass").encode("utf-16-le", "surrogatepass").decode("utf-16-le")
            )
        except UnicodeError:
            text = None
        if text is not None:
            name = name[:at] + text.encode("utf-8") + name[at + 6 :]
        at = name.find(b"\xed", at + 1)
    return name


def _ends_for_hfs(rest: bytes) -> bool:
    """Whether a name ends here as git compares for HFS+: malformed UTF-8 counts as the end."""
    if not rest:
        return True
    if rest[0] < 0x80:
        return False
    try:
        return rest.decode("utf-8")[0] in "\ufffe\uffff"
    except UnicodeDecodeError:
        return True


def _is_special(lowered: bytes, cleaned: bytes, wanted: bytes, short: bytes) -> bool:
    if cleaned.startswith(wanted) and _ends_for_hfs(cleaned[len(wanted) :]):
        return True
    if lowered.startswith(wanted):
        return _ends_for_ntfs(lowered[len(wanted) :])
    # Short names: the first six letters and ~1 to ~4, else some letters of a hash, ~ and a number.
    if lowered.startswith(wanted[1:7] + b"~") and lowered[7:8] in (b"1", b"2", b"3", b"4"):
        return _ends_for_ntfs(lowered[8:])
    letters, tilde, number = lowered[:8].partition(b"~")
    return (
        len(lowered) >= 8
        and bool(tilde)
        and short.startswith(letters)
        and number.isdigit()
        and not number.startswith(b"0")
        and _ends_for_ntfs(lowered[8:])
    )


def _ends_for_ntfs(rest: bytes) -> bool:
    return not rest.partition(b":")[0].strip(b". ")
