"""The strict reader of a runner's configuration, ``runner.toml`` (docs/formats.md). Pure."""

from __future__ import annotations

from lfci_gate.attest.keys import parse_public
from lfci_gate.config.toml import read_toml
from lfci_gate.config.values import choice, duration, is_name, name, unique
from lfci_gate.errors import LfciError, UsageError
from lfci_gate.fields import Fields
from lfci_gate.grammar import is_uuid
from lfci_gate.model import PublicKey
from lfci_gate.value import Value

__all__ = ["Allowed", "Limits", "RepositoryPlace", "RunnerConfig", "parse_runner"]

MAX_BYTES = 256 * 1024
CODE = "LFCI524"
MIB = 1 << 20
_DAY_S = 86400
_PROTOCOLS = ("https://", "http://", "ssh://", "git://", "file:///")


class Limits(Value):
    """What one user may ask of the runner."""

    queued: int = 16
    """Jobs of theirs that wait or run, at once."""
    running: int = 1
    """Builds on their behalf, at once."""
    per_hour: int = 120
    """Builds that are begun for them within an hour."""
    connections: int = 16
    pack_mib: int = 256
    """Size of one transfer of objects, in MiB."""
    packs_per_hour_mib: int = 4096
    """Sizes of all their transfers within an hour, in MiB."""


class Allowed(Value):
    """Who may ask: peers that have one of these users or groups."""

    users: tuple[int | str, ...]
    groups: tuple[int | str, ...]
    """Numbers, or names that are looked up when the runner starts."""
    repositories: tuple[str, ...]
    """Ids; empty: all."""
    limits: Limits


class RepositoryPlace(Value):
    """A repository that the runner attests for."""

    id: str
    """The UUID of its policy: what every statement names."""
    sources: tuple[str, ...]
    """URLs or absolute paths that the runner fetches branches and tags from."""
    packs: bool
    """Whether objects are also taken from whoever asks."""
    hash_name: str = "sha1"
    """``sha1`` or ``sha256``."""
    fetch_mib: int = 4096
    """Largest pack that is fetched from a source, in MiB."""


class RunnerConfig(Value):
    name: str
    """The attester in every statement."""
    key: PublicKey
    """The only key that this runner signs with. Its private half comes on standard input."""
    agent: str
    """Socket of an ssh-agent that holds the private half instead; empty: standard input."""
    state: str
    workers: int
    longest_s: int
    """Longest timeout of a check, in seconds."""
    setup_s: int
    """How long evaluating the flake and making the environment may take, in seconds, beside the check."""
    tree_mib: int
    """Largest tree that is checked, unfolded, in MiB."""
    remember_s: int
    """How long results and environments are kept, in seconds."""
    socket: str
    socket_mode: int
    socket_group: int | str | None
    connections: int
    """Open connections of all users."""
    repositories: tuple[RepositoryPlace, ...]
    allowed: tuple[Allowed, ...]
    """The first that fits a peer is theirs."""

    def repository(self, id: str) -> RepositoryPlace | None:
        return next((each for each in self.repositories if each.id == id), None)


def parse_runner(data: bytes) -> RunnerConfig:
    """Reads ``runner.toml``. Raises UsageError LFCI524 for whatever is wrong with it."""
    top = read_toml(
        data, max_bytes=MAX_BYTES, max_keys=4096, error=UsageError, code=CODE, what="runner configuration"
    )
    if top.integer("version", 1) != 1:
        raise top.wrong("version", "must be 1")
    socket = top.child("socket")
    path = _absolute(socket, "path", longest=100)  # sun_path holds 107 bytes
    mode = _mode(socket)
    group = _who(socket, "group") if "group" in socket else None
    socket.finish()
    repositories = _repositories(top.child("repositories"))
    found = RunnerConfig(
        name=name(top, "name"),
        key=_key(top),
        agent=_absolute(top, "agent", longest=100) if "agent" in top else "",
        state=_absolute(top, "state"),
        workers=_number(top, "workers", 1, 64, 1),
        longest_s=duration(top, "longest", units="smh", longest_s=_DAY_S) if "longest" in top else 3600,
        setup_s=duration(top, "setup", units="smh", longest_s=_DAY_S) if "setup" in top else 1800,
        tree_mib=_number(top, "tree-mib", 1, 1 << 20, 2048),
        remember_s=duration(top, "remember", units="hd", longest_s=400 * _DAY_S)
        if "remember" in top
        else 14 * _DAY_S,
        socket=path,
        socket_mode=mode,
        socket_group=group,
        connections=_number(top, "connections", 1, 4096, 128),
        repositories=repositories,
        allowed=_allowed(top, {each.id for each in repositories}),
    )
    top.finish()
    return found


def _key(top: Fields) -> PublicKey:
    try:
        return parse_public(top.text("key"))
    except LfciError as error:
        raise top.wrong("key", error.message) if error.code != CODE else error from None


def _mode(socket: Fields) -> int:
    if "mode" not in socket:
        return 0o660
    text = socket.take("mode", str)
    if len(text) != 4 or any(char not in "01234567" for char in text) or int(text, 8) & ~0o666:
        raise socket.wrong("mode", 'must be four octal digits of reading and writing, like "0660"')
    return int(text, 8)


def _repositories(table: Fields) -> tuple[RepositoryPlace, ...]:
    found = []
    names = table.keys()
    for uuid in names:
        each = table.child(uuid)
        if not is_uuid(uuid):
            raise table.wrong(uuid, "must be the lower-case UUID that the policy names the repository by")
        sources = each.texts("sources", max_items=8) if "sources" in each else ()
        for source in sources:
            _source(each, source)
        packs = each.take("packs", bool) if "packs" in each else True
        hash_name = choice(each, "object-format", ("sha1", "sha256"))
        fetch_mib = _number(each, "fetch-mib", 1, 1 << 20, 4096)
        each.finish()
        if not (sources or packs):
            raise table.wrong(uuid, "has neither sources nor packs, so nothing of it can be checked")
        found.append(RepositoryPlace(uuid, sources, packs, hash_name, fetch_mib))
    if not found:
        raise table.wrong(None, "names no repository")
    return tuple(found)


def _source(each: Fields, source: str) -> None:
    # No other helper of git's (ext::, fd::), no option, no path relative to whatever.
    if not source.startswith(("/", *_PROTOCOLS)):
        raise each.wrong("sources", f"{ascii(source)[:80]} is neither an absolute path nor a URL")


def _allowed(top: Fields, ids: set[str]) -> tuple[Allowed, ...]:
    found = []
    for each in top.children("allow", max_items=256):
        users = _whos(each, "users")
        groups = _whos(each, "groups")
        if not (users or groups):
            raise each.wrong(None, "names neither users nor groups")
        repositories = each.texts("repositories", max_items=256) if "repositories" in each else ()
        for uuid in unique(each, "repositories", repositories):
            if uuid not in ids:
                raise each.wrong("repositories", f"{ascii(uuid)[:80]} is not below [repositories]")
        plain = Limits()
        limits = Limits(
            queued=_number(each, "queued", 1, 100_000, plain.queued),
            running=_number(each, "running", 1, 64, plain.running),
            per_hour=_number(each, "per-hour", 1, 1_000_000, plain.per_hour),
            connections=_number(each, "connections", 1, 4096, plain.connections),
            pack_mib=_number(each, "pack-mib", 1, 1 << 16, plain.pack_mib),
            packs_per_hour_mib=_number(each, "packs-per-hour-mib", 1, 1 << 20, plain.packs_per_hour_mib),
        )
        each.finish()
        found.append(Allowed(users, groups, repositories, limits))
    return tuple(found)


def _number(fields: Fields, key: str, low: int, high: int, default: int) -> int:
    return fields.integer(key, low, high) if key in fields else default


def _absolute(fields: Fields, key: str, *, longest: int = 1024) -> str:
    path = fields.text(key, max_chars=longest)
    if not path.startswith("/") or any(part in (".", "..") for part in path.split("/")):
        raise fields.wrong(key, "must be an absolute path without . and ..")
    if len(path.encode()) > longest:
        raise fields.wrong(key, f"is longer than {longest} bytes")
    return path.rstrip("/") or "/"


def _who(fields: Fields, key: str) -> int | str:
    return fields.integer(key, 0, 2**32 - 2) if fields.kind_of(key) is int else _account(fields, key)


def _account(fields: Fields, key: str) -> str:
    text = fields.text(key, max_chars=32)
    if not is_name(text.lower().lstrip("_")):
        raise fields.wrong(key, "must be the name of a user or group, or a number")
    return text


def _whos(fields: Fields, key: str) -> tuple[int | str, ...]:
    if key not in fields:
        return ()
    values = fields.take(key, list)
    if len(values) > 1024:
        raise fields.wrong(key, "has more than 1024 entries")
    found: list[int | str] = []
    for value in values:
        one = Fields({key: value}, error=UsageError, code=CODE, what="runner configuration: allow")
        found.append(_who(one, key))
    return tuple(found)
