"""Binary caches: what Nix says of them, and putting things there.

Nix checks what it takes: the signature of each entry by a trusted key (`require-sigs`), and the hash of
the content that the signature is about. What fails is not registered in the store. Here its words are
told apart: an entry that was not taken, and one that ended the build.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lfci_gate.errors import Undecided, UsageError
from lfci_gate.nix.process import Completed, Nix, last_lines

__all__ = ["answers", "cache_doubts", "push", "refuse_unspeakable", "take_output"]

_NOT_BELIEVED: Final = (
    # No or no valid signature by a trusted key. Nix 2.8 to 2.34, tried; the other two are in its sources.
    "not signed by any of the keys in 'trusted-public-keys'",
    "lacks a signature by a trusted key",
    "does not have a valid signature",
    # A valid signature, and other content behind it.
    "hash mismatch importing path",
    "size mismatch importing path",
    # An archive that ends early or is none.
    "Failed to open archive",
    "Failed to read archive",
    "input compression not recognized",
    "bad archive",
    # An entry that is none, or another path's.
    "' but got '",
    "NAR info file '",
)
_UNSPEAKABLE: Final = ("don't know how to open Nix store", "unsupported store", "no store implementation")
_ASK_S: Final = 20.0


def cache_doubts(done: Completed) -> tuple[str, ...]:
    """Nix's lines about entries of caches that it did not take, each once."""
    lines = [line.strip() for line in last_lines(done.stderr, 400)]
    found = [line for line in lines if any(mark in line for mark in _NOT_BELIEVED)]
    return tuple(dict.fromkeys(line.removeprefix("warning: ").removeprefix("error: ") for line in found))[:8]


def refuse_unspeakable(done: Completed) -> None:
    """Raises Undecided LFCI333 when this Nix does not know the kind of a configured cache."""
    said = [line for line in last_lines(done.stderr, 400) if any(mark in line for mark in _UNSPEAKABLE)]
    if said:
        raise Undecided(
            "LFCI333",
            "this Nix cannot use a binary cache that is configured",
            facts=(said[0].strip(),),
            hint="use a Nix that was built with S3, or take the cache out of config.toml",
        )


def answers(nix: Nix, url: str) -> tuple[bool, str]:
    """Whether a cache is there, and why not. Changes nothing, here or there."""
    if url.startswith("file://"):
        # Asked for its own directory, Nix would make it where it is missing.
        there = Path(url.removeprefix("file://"), "nix-cache-info").is_file()
        return there, "" if there else "no binary cache is there"
    # Without a look into the cache of an earlier answer: HOME is a new one for each Nix.
    try:
        done = nix.run("store", "ping", "--store", url, "--option", "connect-timeout", "5", timeout_s=_ASK_S)
    except Undecided as error:
        return False, error.message
    said = last_lines(done.stderr, 1)
    why = said[0].removeprefix("error: ")[:200] if said else "no answer"
    return done.status == 0, "" if done.status == 0 else why


def push(nix: Nix, url: str, signing_key: str, paths: Sequence[str]) -> None:
    """Puts ``paths`` and all they refer to into the cache at ``url``, signed, after hashing what lies here.

    Raises UsageError LFCI531 without the key; Undecided LFCI333 when the cache does not take it.
    """
    if not Path(signing_key).is_file():
        raise UsageError(
            "LFCI531", "the key that signs for the binary cache is missing", facts=(signing_key,)
        )
    mark = "&" if "?" in url else "?"
    # Every Nix from 2.4 on reads zstd; xz, the default, takes a minute for what takes this a second.
    done = nix.run("copy", "--to", f"{url}{mark}secret-key={signing_key}&compression=zstd", *paths)
    refuse_unspeakable(done)
    if done.status != 0:
        raise Undecided("LFCI333", f"{url} does not take it", facts=last_lines(done.stderr, 4))


def take_output(nix: Nix, drv: str, output: str) -> None:
    """Takes one output of ``drv`` from the caches, without building anything, here or elsewhere.

    Raises Undecided LFCI332 when what they serve cannot be believed, LFCI333 when they do not have it.
    """
    done = nix.run_store(
        "--realise", "--option", "builders", "", "--option", "max-jobs", "0", f"{drv}!{output}"
    )
    refuse_unspeakable(done)
    if done.status == 0:
        return
    doubts = cache_doubts(done)
    if doubts:
        raise Undecided("LFCI332", "a binary cache serves what cannot be believed", facts=doubts)
    raise Undecided("LFCI333", "no binary cache has it", facts=(drv,), hint="lfci check")
