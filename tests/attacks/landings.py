"""What a forge remembers, read through git alone: for attacks that must not make it forget or invent."""

from __future__ import annotations

import json
import os
from datetime import datetime, timedelta

from lfci_gate.attest.bundle import parse_bundle
from lfci_gate.attest.dsse import attestation_id
from lfci_gate.gate.fold import fold
from lfci_gate.git.process import Git
from tests.support.forge import Forge


def noted(forge: Forge) -> set[tuple[str, str]]:
    """(subject, attestation id) of every bundle in the notes; none is there twice."""
    if "refs/notes/lfci" not in forge.refs():
        return set()
    found: set[tuple[str, str]] = set()
    lines: set[tuple[str, bytes]] = set()
    for line in forge.repo.git("notes", "--ref=lfci", "list").decode().splitlines():
        blob, subject = line.split(" ")
        for bundle in forge.repo.git("cat-file", "blob", blob).splitlines():
            assert (subject, bundle) not in lines, "a bundle is there twice"
            lines.add((subject, bundle))
            found.add((subject, attestation_id(parse_bundle(bundle).envelope)))
    return found


def named(spec: str) -> tuple[str, str]:
    """(subject, attestation id) of an inbox refspec or ref."""
    subject, identifier = spec.rpartition(":")[2].split("/")[-2:]
    return subject, identifier


def recorded(forge: Forge) -> dict[str, int]:
    """Landed commits in the forge's record, and how often each is in it."""
    if "refs/notes/lfci-landed" not in forge.refs():
        return {}
    found = {}
    for line in forge.repo.git("notes", "--ref=lfci-landed", "list").decode().splitlines():
        blob, commit = line.split(" ")
        found[commit] = forge.repo.git("cat-file", "blob", blob).count(b"Landed on ")
    return found


def litter(forge: Forge) -> list[str]:
    """Files of the gate that are neither its memory nor its locks: work that is not done, or left."""
    known = {"key", "key.pub", "bootstrap-policy.toml", "server-policy.toml", "policy-floor.json"}
    known |= {"floor.lock", "fold.lock", "unverified.json", "written.json", "written.lock"}
    files = [each for each in (forge.path / "lfci").rglob("*") if each.is_file()]
    return [str(each.relative_to(forge.path)) for each in files if each.name not in known]


def two_hours_later(forge: Forge) -> None:
    """Makes what pushes and killed processes left two hours old, and folds: git dropped those pushes."""
    for path in map(forge.path.joinpath, litter(forge)):
        if path.suffix == ".json":
            entry = json.loads(path.read_bytes())
            moment = datetime.strptime(entry["at"], "%Y-%m-%dT%H:%M:%SZ") - timedelta(hours=2)  # noqa: DTZ007
            entry["at"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
            path.write_bytes(json.dumps(entry, sort_keys=True, separators=(",", ":")).encode())
        os.utime(path, (0, 0))
    fold(Git(forge.path))
