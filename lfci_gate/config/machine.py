"""The strict reader of the machine's configuration, ``config.toml`` of a user or operator (docs/formats.md).

Pure. Builders are tables, or lines in Nix's own syntax (Nix manual, "Remote Builds": URI, systems, ssh
key, jobs, speed, features, mandatory features, public host key in base64; ``-`` for what is left out).
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

from lfci_gate.config.toml import read_toml
from lfci_gate.errors import UsageError
from lfci_gate.fields import Fields
from lfci_gate.grammar import DIGITS, LETTERS, is_word
from lfci_gate.machine import Builder, Caches, Machine
from lfci_gate.value import replace

__all__ = ["CODE", "MAX_BYTES", "TABLES", "parse_machine", "refuse_url"]

CODE = "LFCI531"
MAX_BYTES = 256 * 1024
TABLES = ("builders", "cache", "store")

_MAX_BUILDERS = 64
_MAX_CACHES = 16
_MAX_FEATURES = 32
_FIRST = LETTERS | DIGITS
_REST = _FIRST | frozenset("._-")
_KEY_NAME = _REST | frozenset("/@")
_HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
_SCHEMES = ("file", "https", "http", "s3")
_S3_PARAMETERS = ("region", "endpoint", "profile", "scheme")


def parse_machine(data: bytes, what: str) -> tuple[Machine, tuple[str, ...]]:
    """What the bytes of a configuration say, and which of its tables are there.

    Arguments:
        what: the file's path, for messages.

    Raises UsageError LFCI531.
    """
    top = read_toml(data, max_bytes=MAX_BYTES, max_keys=2048, error=UsageError, code=CODE, what=what)
    top.integer("version", 1, 1)
    there = tuple(name for name in TABLES if name in top)
    read = {"builders": _builders, "cache": _cache, "store": _store}
    machine = Machine()
    for name in there:
        table = top.child(name)
        machine = read[name](table, machine)
        table.finish()
    top.finish()
    return machine, there


# -- builders -------------------------------------------------------------------------------------


def _builders(table: Fields, machine: Machine) -> Machine:
    found = []
    if "machines" in table:
        for line in table.texts("machines", max_items=_MAX_BUILDERS, max_chars=4096):
            found.append(_of_line(table, line))
    if "machine" in table:
        for each in table.children("machine", max_items=_MAX_BUILDERS):
            found.append(_of_table(each))
            each.finish()
    if len({(each.host, each.port, each.user) for each in found}) < len(found):
        raise table.wrong(None, "names a machine twice")
    local = table.take("local", bool) if "local" in table else True
    retry = table.take("retry", bool) if "retry" in table else False
    if retry and not local:
        raise table.wrong("retry", "needs local = true: it means once more, here")
    if not found and not local:
        raise table.wrong("local", "nothing could be built: there are no machines")
    return replace(machine, builders=tuple(found), local=local, retry=retry)


def _of_table(table: Fields) -> Builder:
    user, host, port = _address(table, "uri", table.text("uri"))
    if "port" in table:
        port = table.integer("port", 1, 65535)
    return Builder(
        host=host,
        user=user,
        port=port,
        key=_absolute(table, "ssh-key", table.text("ssh-key", max_chars=4096)),
        host_key=_host_key(table, "host-key", table.text("host-key", max_chars=4096)),
        systems=_words(table, "systems", table.texts("systems", max_items=_MAX_FEATURES), least=1),
        jobs=table.integer("max-jobs", 1, 4096) if "max-jobs" in table else 1,
        speed=table.integer("speed", 1, 1_000_000) if "speed" in table else 1,
        features=_optional_words(table, "features"),
        mandatory=_optional_words(table, "mandatory-features"),
    )


def _of_line(table: Fields, line: str) -> Builder:
    key = "machines"
    words = line.split()
    if len(words) != 8:
        raise table.wrong(
            key,
            f"{ascii(line[:80])} has {len(words)} fields and not 8: URI, systems, ssh key, jobs, speed,"
            " features, mandatory features, host key",
        )
    uri, systems, ssh_key, jobs, speed, features, mandatory, host_key = words
    user, host, port = _address(table, key, uri)
    if "-" in (systems, ssh_key, host_key):
        raise table.wrong(key, f"{ascii(uri[:80])}: systems, ssh key and host key cannot be left out")
    try:
        text = base64.b64decode(host_key, validate=True).decode("ascii").strip()
    except (binascii.Error, UnicodeDecodeError):
        raise table.wrong(key, f"{ascii(uri[:80])}: the host key is no base64 of a public key") from None
    return Builder(
        host=host,
        user=user,
        port=port,
        key=_absolute(table, key, ssh_key),
        host_key=_host_key(table, key, text),
        systems=_words(table, key, tuple(systems.split(",")), least=1),
        jobs=_number(table, key, jobs),
        speed=_number(table, key, speed),
        features=_listed(table, key, features),
        mandatory=_listed(table, key, mandatory),
    )


def _address(table: Fields, key: str, uri: str) -> tuple[str, str, int]:
    """User, host and port of ``ssh-ng://[user@]host[:port]``.

    No other protocol: only by this one a builder says that it starts a build, and can be told to forget
    the output of an earlier one. No parameters: they could name another program or store.
    """
    scheme, mark, rest = uri.partition("://")
    if scheme != "ssh-ng" or not mark:
        raise table.wrong(key, f"{ascii(uri[:80])} must begin with ssh-ng://")
    user, at, host = rest.rpartition("@")
    host, colon, port = host.partition(":")
    if (at and not is_word(user, _FIRST, _REST, 64)) or not is_word(host, _FIRST, _REST, 253):
        raise table.wrong(key, f"{ascii(uri[:80])} is not ssh-ng://[user@]host[:port]")
    number = _number(table, key, port) if colon else 22
    if number > 65535:
        raise table.wrong(key, f"{ascii(uri[:80])} names no port")
    return user, host, number


def _host_key(table: Fields, key: str, text: str) -> str:
    kind, _, rest = text.partition(" ")
    encoded = rest.split(" ")[0]
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        blob = b""
    length = len(kind).to_bytes(4, "big")
    if kind not in _HOST_KEYS or not blob.startswith(length + kind.encode()):
        raise table.wrong(key, "is no public host key like `ssh-ed25519 AAAA...`")
    return f"{kind} {encoded}"


def _absolute(table: Fields, key: str, path: str) -> str:
    # ssh's configuration file knows quotes and %-words; such paths are not offered.
    odd = any(char in '"%\\$~#' or char.isspace() for char in path)
    if not path.startswith("/") or odd or "/../" in f"{path}/":
        raise table.wrong(
            key, f"{ascii(path[:80])} is not an absolute path without blanks and special characters"
        )
    return path


def _number(table: Fields, key: str, text: str) -> int:
    if not is_word(text, DIGITS - {"0"}, DIGITS, 6):
        raise table.wrong(key, f"{ascii(text[:20])} is no number from 1 on")
    return int(text)


def _listed(table: Fields, key: str, text: str) -> tuple[str, ...]:
    return () if text == "-" else _words(table, key, tuple(text.split(",")))


def _optional_words(table: Fields, key: str) -> tuple[str, ...]:
    return _words(table, key, table.texts(key, max_items=_MAX_FEATURES)) if key in table else ()


def _words(table: Fields, key: str, found: tuple[str, ...], *, least: int = 0) -> tuple[str, ...]:
    for text in found:
        if not is_word(text, _FIRST, _REST, 64):
            raise table.wrong(key, f"{ascii(text[:80])} is not a word of letters, digits, '.', '_' and '-'")
    if len(found) < least:
        raise table.wrong(key, "is empty")
    return found


# -- caches ---------------------------------------------------------------------------------------


def _cache(table: Fields, machine: Machine) -> Machine:
    urls = table.texts("nix", max_items=_MAX_CACHES)
    for url in urls:
        _url(table, "nix", url)
    keys = table.texts("keys", max_items=_MAX_CACHES) if "keys" in table else ()
    for text in keys:
        _cache_key(table, "keys", text)
    if urls and not keys:
        raise table.wrong("keys", "is missing: nothing is taken from a cache that no trusted key has signed")
    push = table.text("push") if "push" in table else None
    signing = table.text("signing-key", max_chars=4096) if "signing-key" in table else None
    if push is not None:
        _url(table, "push", push)
        if signing is None:
            raise table.wrong("signing-key", "is missing: what is not signed is taken by nobody")
    if signing is not None:
        _absolute(table, "signing-key", signing)
    return replace(machine, caches=Caches(urls, keys, push, signing))


def _url(table: Fields, key: str, url: str) -> None:
    """A binary cache. Parameters can switch signatures off (``trusted``) or name keys, so there are none
    but those that say where a bucket is."""
    shown = ascii(url[:120])
    if not url.isascii() or not url.isprintable() or " " in url:
        raise table.wrong(key, f"{shown} is no URL")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise table.wrong(key, f"{shown} is no URL") from None
    if parts.scheme not in _SCHEMES or f"{parts.scheme}://" != url[: len(parts.scheme) + 3]:
        raise table.wrong(key, f"{shown} must begin with file://, https://, http:// or s3://")
    if "@" in parts.netloc or "#" in url or "%" in url or "//" in parts.path:
        raise table.wrong(key, f"{shown}: passwords, fragments, escapes and empty components are refused")
    host = parts.hostname or ""
    if parts.scheme == "file":
        if host or port is not None or not parts.path.startswith("/") or parts.path == "/":
            raise table.wrong(key, f"{shown} is not file:// and an absolute path")
    elif not is_word(host, _FIRST, _REST, 253):
        raise table.wrong(key, f"{shown} names no host")
    allowed = _S3_PARAMETERS if parts.scheme == "s3" else ()
    for pair in parts.query.split("&") if "?" in url else ():
        name, _, value = pair.partition("=")
        if name not in allowed or not is_word(value, _FIRST, _REST | {":"}, 253):
            raise table.wrong(key, f"{shown}: the parameter {ascii(name[:40])} is refused")


def refuse_url(url: str) -> None:
    """Raises UsageError LFCI531 for what cannot be the URL of a cache in the configuration."""
    _url(Fields({}, error=UsageError, code=CODE, what="--to"), "url", url)


def _cache_key(table: Fields, key: str, text: str) -> None:
    name, _, encoded = text.partition(":")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raw = b""
    if not is_word(name, _FIRST, _KEY_NAME, 128) or len(raw) != 32:
        raise table.wrong(key, f"{ascii(text[:80])} is no public key of a cache, like name-1:<44 characters>")


# -- the store ------------------------------------------------------------------------------------


def _store(table: Fields, machine: Machine) -> Machine:
    return replace(machine, verify=table.take("verify", bool))
