"""The small grammars that both files share: names, durations, paths, environment names."""

from __future__ import annotations

from datetime import datetime, timedelta

from lfci_gate.fields import Fields
from lfci_gate.grammar import DIGITS, LETTERS, LOWER, is_word
from lfci_gate.patterns import PatternSet

NAME_EXPECTED = "a name of [a-z0-9._-], starting with a letter or digit, at most 64 characters"

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MAX_REFS = 64
# What git-check-ref-format refuses, but for the star; `?` is not offered in refs.
_NOT_IN_REFS = (*" ~^:?\\", "..", "@{", ".lock/", "/.", "./")
_NOT_AT_THE_END = (".lock", ".", "/")
_NAME_FIRST = LOWER | DIGITS
_NAME_REST = _NAME_FIRST | frozenset("._-")
_IDENTIFIER_FIRST = LETTERS | {"_"}
_IDENTIFIER_REST = _IDENTIFIER_FIRST | DIGITS

# What the run script, bash, stdenv or Nix itself gives a meaning to. A check that could set them
# would change what runs, or how Nix builds, outside of what its definition says it does.
_ENV_RESERVED = frozenset(
    # the derivation and the run script
    "out src builder args system name outputs stdenv shell shellHook phases setupHook"
    # the environment that both engines promise to be the same
    " PATH HOME TMPDIR TMP TEMP TEMPDIR TZ LC_ALL LANGUAGE SOURCE_DATE_EPOCH PYTHONHASHSEED"
    " PYTHONDONTWRITEBYTECODE USER LOGNAME SHELL PWD OLDPWD HOSTNAME"
    # what a bash reads at its start or changes its behaviour
    " ENV IFS CDPATH GLOBIGNORE EXECIGNORE SHELLOPTS POSIXLY_CORRECT PS4 PROMPT_COMMAND SHLVL _ UID EUID"
    " PPID GROUPS DIRSTACK FUNCNAME LINENO OPTARG OPTIND OPTERR RANDOM SECONDS PIPESTATUS COMP_WORDBREAKS"
    # attributes of a derivation that Nix interprets (Nix manual, "Advanced Attributes")
    " allowSubstitutes allowedReferences allowedRequisites disallowedReferences disallowedRequisites"
    " exportReferencesGraph impureEnvVars maxSize outputChecks outputHash outputHashAlgo outputHashMode"
    " passAsFile preferLocalBuild requiredSystemFeatures unsafeDiscardReferences ignoreNulls"
    " meta passthru urls".split()
)
# Nix reads `__noChroot`, `__impure`, `__structuredAttrs` ...; the loader reads LD_*.
_ENV_PREFIXES = ("NIX_", "LFCI", "BASH", "LD_", "DYLD_", "GLIBC_", "GCONV_", "__")


def is_name(text: str) -> bool:
    """Whether ``text`` can name a check, a key, its holder or a role: a check's name becomes part of a
    derivation's."""
    return is_word(text, _NAME_FIRST, _NAME_REST, 64)


def name(fields: Fields, key: str) -> str:
    """A name at ``key``."""
    return fields.match(key, is_name, NAME_EXPECTED)


def names(fields: Fields, key: str, *, max_items: int = 16) -> tuple[str, ...]:
    """At least one name, none twice; sorted."""
    found = fields.texts(key, max_items=max_items)
    if not found:
        raise fields.wrong(key, "is empty")
    for text in found:
        if not is_name(text):
            raise fields.wrong(key, f"{ascii(text)} is not {NAME_EXPECTED}")
    return unique(fields, key, found)


def unique(fields: Fields, key: str, values: tuple[str, ...]) -> tuple[str, ...]:
    """``values`` sorted; refused when one stands there twice."""
    if len(set(values)) != len(values):
        raise fields.wrong(key, "names something twice")
    return tuple(sorted(values))


def ref_patterns(fields: Fields, key: str) -> tuple[str, ...]:
    """At least one pattern of refs below refs/heads/ or refs/tags/."""
    found = fields.texts(key, max_items=MAX_REFS)
    for pattern in found:
        if not _is_below_heads_or_tags(pattern):
            raise fields.wrong(
                key, f"{ascii(pattern)[:200]} is not a pattern below refs/heads/ or refs/tags/"
            )
    if not found:
        raise fields.wrong(key, "is empty")
    try:
        PatternSet(found)
    except ValueError as error:
        raise fields.wrong(key, str(error)) from None
    return found


def _is_below_heads_or_tags(pattern: str) -> bool:
    return (
        pattern.startswith(("refs/heads/", "refs/tags/"))
        and not pattern.endswith(_NOT_AT_THE_END)
        and not any(each in pattern for each in _NOT_IN_REFS)
    )


def choice(fields: Fields, key: str, allowed: tuple[str, ...]) -> str:
    """One of ``allowed``; the first is the default."""
    return fields.choice(key, allowed) if key in fields else allowed[0]


def moment(fields: Fields, key: str) -> datetime | None:
    """A TOML date and time in UTC of whole seconds; None when the key is absent."""
    time = fields.optional(key, datetime)
    if time is not None and (time.utcoffset() != timedelta(0) or time.microsecond):
        raise fields.wrong(key, "must be in UTC and of whole seconds, like 2026-01-01T00:00:00Z")
    return time


def duration(fields: Fields, key: str, *, units: str, longest_s: int) -> int:
    """Seconds of a duration like ``15m``: an integer and one of ``units``, up to ``longest_s``."""
    text = fields.take(key, str)
    number, unit = text[:-1], text[-1:]
    if not (is_word(number, DIGITS - {"0"}, DIGITS, 9) and unit and unit in units):
        raise fields.wrong(key, f"must be a whole number and one of {', '.join(units)}, like 15m")
    seconds = int(number) * UNITS[unit]
    if seconds > longest_s:
        raise fields.wrong(key, f"is longer than {format_duration(longest_s)}")
    return seconds


def format_duration(seconds: int) -> str:
    """The shortest way to write ``seconds`` with units up to hours; days only where exact and even."""
    for unit in ("h", "m"):
        if seconds % UNITS[unit] == 0:
            return f"{seconds // UNITS[unit]}{unit}"
    return f"{seconds}s"


def out_path(fields: Fields, key: str, text: str) -> str:
    """``text`` when it is a normalised relative path that stays below ``$out``."""
    if any(part in ("", ".", "..") for part in text.split("/")):
        raise fields.wrong(key, f"{ascii(text)} is not a normalised path below $out")
    if any(len(part.encode("utf-8")) > 255 for part in text.split("/")):
        raise fields.wrong(key, "has a component of more than 255 bytes")
    return text


def env_name(fields: Fields, key: str) -> None:
    """Refuses ``key`` unless it is a shell identifier that nothing of ours, bash or Nix owns."""
    if not is_word(key, _IDENTIFIER_FIRST, _IDENTIFIER_REST, 128):
        raise fields.wrong(None, f"{ascii(key)[:80]} is not the name of an environment variable")
    if key in _ENV_RESERVED or key.upper().startswith(_ENV_PREFIXES):
        raise fields.wrong(key, "is set by lfci, bash or Nix and cannot be declared")
