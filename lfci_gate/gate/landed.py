"""The record of a landing: a note on the landed commit with a few lines for people and a signed
verification summary (VSA) for programs. `git log --notes=lfci-landed` shows it."""

from __future__ import annotations

from lfci_gate.attest.bundle import Bundle, format_bundle
from lfci_gate.attest.dsse import sign
from lfci_gate.attest.signers import Signer, load_signer
from lfci_gate.attest.statement import format_statement
from lfci_gate.canonical import format_time
from lfci_gate.gate.state import Accepted, ForgeState
from lfci_gate.git.process import Git
from lfci_gate.model import Landing

VERIFIER = "https://micelio.dev/lfci/gate/v0.1"


def forge_signer(git: Git) -> Signer:
    """The forge's key: `lfci.key` of the bare repository, else the one `forge init` made.

    Raises UsageError LFCI511 or LFCI512.
    """
    setting = git.config("lfci.key") or str(ForgeState(git.git_dir).key_path)
    return load_signer(setting, environ={}, ask_passphrase=None)


def landing_note(held: bytes, entry: Accepted, signer: Signer) -> bytes:
    """The note's bytes with this landing added. A commit that lands on two refs has two records;
    the same landing again (a fold that died and is repeated) adds nothing."""
    how = "Landed" if entry.bypass is None else "Landed by BREAK-GLASS, NOT PASSED,"
    title = f"{how} on {entry.ref} at {format_time(entry.at)}, policy version {entry.policy_version}"
    if f"{title}\n".encode() in held:
        return held
    statement = Landing(
        commit=entry.commit,
        repository=entry.repository,
        ref=entry.ref,
        old=entry.old,
        policy_sha256=entry.policy_sha256,
        policy_version=entry.policy_version,
        verified_at=entry.at,
        evidence=entry.evidence,
        verifier=VERIFIER,
        bypass=entry.bypass,
        waived=entry.waived,
    )
    envelope = sign(format_statement(statement), signer)
    line = format_bundle(Bundle(envelope, signer.public.fingerprint))
    text = "".join(f"{each}\n" for each in (title, *entry.summary))
    separator = b"\n" if held else b""
    return held + separator + text.encode() + line + b"\n"
