"""The receive hook, watched: ``python -I instrumented.py TOLD`` in the place of the gate.

Judges exactly as the gate does. Afterwards, while the quarantine is still there, it asks others about what
the gate saw: pygit2 about every object that was read, securesystemslib about every signature and its PAE.
Differences go into the folder that TOLD names, one JSON object a hook; and, where a recording is wanted,
so does a case for replay.py.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import resource
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

_MOST_RECORDED = 64 << 20
_MOST_SLOW = 64
"""Signatures that the pure Python implementation of Ed25519 is asked about."""


class Watch:
    """What the gate saw."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[str, str, int]] = {}
        """name -> (kind, sha256 of the bytes, size), of every object that was read."""
        self.verdicts: list[tuple[Any, tuple[Any, ...], tuple[Any, ...]]] = []
        """(envelope, keys asked, keys found) of every `signed_by`."""
        self.judged: tuple[Any, Any, Any] | None = None
        """(push, view, verdict)."""


class Tee(io.TextIOBase):
    """Standard error, remembered."""

    def __init__(self, inner: Any) -> None:
        self.inner = inner
        self.said = ""

    def write(self, text: str) -> int:
        self.said += text
        return self.inner.write(text)

    def flush(self) -> None:
        self.inner.flush()


def patched(watch: Watch) -> None:
    """Puts the watch around the gate's reader, its verifier and its rules."""
    import lfci_gate.gate.rules as rules
    from lfci_gate.attest import dsse
    from lfci_gate.git.objects import BatchReader

    contents, signed_by, evaluate = BatchReader._contents, dsse.signed_by, rules.evaluate

    def read(self: Any, oids: Any, stats: Any) -> Any:
        found = contents(self, oids, stats)
        for oid, item in zip(oids, found, strict=True):
            watch.objects[oid] = (item.kind, hashlib.sha256(item.data).hexdigest(), len(item.data))
        return found

    def verified(envelope: Any, keys: Any) -> Any:
        asked = tuple(keys)
        found = signed_by(envelope, asked)
        watch.verdicts.append((envelope, asked, found))
        return found

    def judged(push: Any, view: Any) -> Any:
        _remember_spent(view)
        watch.judged = push, view, None
        verdict = evaluate(push, view)
        view.shallow  # noqa: B018 - asked now, so that it is known when the case is written
        watch.judged = push, view, verdict
        return verdict

    BatchReader._contents = read  # type: ignore[method-assign]
    rules.evaluate = judged
    for module in [each for name, each in sys.modules.items() if name.startswith("lfci_gate.")]:
        if vars(module).get("signed_by") is signed_by:
            vars(module)["signed_by"] = verified


def _remember_spent(view: Any) -> None:
    """What the forge says about used bypasses is part of what the rules saw."""
    original = vars(view).get("_used")
    view.used = {}
    if original is not None:
        view._used = lambda name: view.used.setdefault(name, original(name))


# -- second opinions --------------------------------------------------------------------------------


def opinions(watch: Watch) -> list[dict[str, str]]:
    """What others see otherwise: {what, detail}."""
    return [*_of_objects(watch), *_of_signatures(watch)]


def _of_objects(watch: Watch) -> list[dict[str, str]]:
    import pygit2

    if any(len(oid) != 40 for oid in watch.objects):
        return []  # this libgit2 reads sha1 repositories only
    store = pygit2.Odb(os.path.join(os.environ["GIT_DIR"], "objects"))
    # the quarantine, and what it stands on
    for path in (
        os.environ.get("GIT_OBJECT_DIRECTORY", ""),
        *os.environ.get("GIT_ALTERNATE_OBJECT_DIRECTORIES", "").split(":"),
    ):
        if path:
            store.add_disk_alternate(path)
    found = []
    for oid, (kind, digest, size) in watch.objects.items():
        try:
            number, data = store.read(pygit2.Oid(hex=oid))
        except (KeyError, ValueError, pygit2.GitError) as error:
            found.append({"what": "object-unreadable", "detail": f"{oid}: {error}"})
            continue
        kinds = {1: "commit", 2: "tree", 3: "blob", 4: "tag"}
        if kinds.get(int(number)) != kind:
            found.append({"what": "object-kind", "detail": oid})
        if (hashlib.sha256(data).hexdigest(), len(data)) != (digest, size):
            found.append({"what": "object-bytes", "detail": oid})
    return found


def _of_signatures(watch: Watch) -> list[dict[str, str]]:
    from securesystemslib._vendor.ed25519.ed25519 import SignatureMismatch, checkvalid
    from securesystemslib.dsse import Envelope

    from lfci_gate.attest.dsse import pae

    found = []
    slow = 0
    for envelope, keys, ours in watch.verdicts:
        message = Envelope(envelope.payload, envelope.payload_type, {}).pae()
        if message != pae(envelope.payload_type, envelope.payload):
            found.append({"what": "pae", "detail": repr(envelope.payload_type)})
        theirs = {key for key in keys if any(_verifies(key, sig, message) for sig in envelope.signatures)}
        for key in theirs ^ set(ours):
            what = "signature-they-accept" if key in theirs else "signature-they-refuse"
            found.append({"what": what, "detail": f"{key.kind} {key.fingerprint}"})
        for key in keys:
            for signature in envelope.signatures:
                if key.kind != "ed25519" or len(signature) != 64 or slow >= _MOST_SLOW:
                    continue
                slow += 1
                try:
                    checkvalid(signature, message, key.raw)
                    good = True
                except (SignatureMismatch, ValueError, IndexError):
                    good = False
                if good != _verifies(key, signature, message):
                    found.append({"what": "ed25519-in-python", "detail": key.fingerprint})
    return found


def _verifies(key: Any, signature: bytes, message: bytes) -> bool:
    """What securesystemslib says."""
    from securesystemslib.exceptions import UnverifiedSignatureError
    from securesystemslib.signer import Signature, SSlibKey

    if key.kind == "ed25519":
        theirs = SSlibKey("k", "ed25519", "ed25519", {"public": key.raw.hex()})
    else:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.raw)
        pem = point.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
        theirs = SSlibKey("k", "ecdsa", "ecdsa-sha2-nistp256", {"public": pem})
    try:
        theirs.verify_signature(Signature("k", signature.hex()), message)
    except UnverifiedSignatureError:
        return False
    return True


# -- recording --------------------------------------------------------------------------------------------


def case_of(watch: Watch, told: dict[str, Any], said: str, status: int) -> bytes | None:
    """What replay.py needs to judge this push again; None when it never came to the rules."""
    if watch.judged is None:
        return None
    push, view, verdict = watch.judged
    left_out = ("git", "objects", "_used")
    state = {name: value for name, value in vars(view).items() if name not in left_out}
    held = {
        "schema": "lfci.attack-case/1",
        "name": told["name"],
        "hash_name": view.objects.hash_name if watch.objects else _hash_name(push),
        "push": push,
        "view": state,
        "objects": _all_objects(watch),
        "verdict": verdict,
        "said": said,
        "status": status,
    }
    return zlib.compress(pickle.dumps(held), 1)


def _hash_name(push: Any) -> str:
    names = [name for update in push.updates for name in (update.old, update.new) if name]
    return "sha256" if names and len(names[0]) == 64 else "sha1"


def _all_objects(watch: Watch) -> dict[str, tuple[str, bytes]]:
    """Every object that git shows here, or where that is too much, those that were read."""
    listing = _git("cat-file", "--batch-all-objects", "--unordered", "--batch-check").splitlines()
    sizes = {line.split()[0].decode(): int(line.split()[2]) for line in listing}
    wanted = list(sizes) if sum(sizes.values()) <= _MOST_RECORDED else list(watch.objects)
    data = _git("cat-file", "--batch", "--buffer", input="".join(f"{oid}\n" for oid in wanted).encode())
    found: dict[str, tuple[str, bytes]] = {}
    at = 0
    while at < len(data):
        end = data.index(b"\n", at)
        oid, kind, size = data[at:end].decode().split(" ")
        found[oid] = (kind, data[end + 1 : end + 1 + int(size)])
        at = end + 1 + int(size) + 1
    return found


def _git(*args: str, input: bytes = b"") -> bytes:
    env = {**os.environ, "GIT_NO_REPLACE_OBJECTS": "1"}
    return subprocess.run(["git", *args], input=input, capture_output=True, check=True, env=env).stdout


def main(path: str) -> int:
    told = json.loads(Path(path).read_bytes())
    watch = Watch()
    limits = resource.getrlimit(resource.RLIMIT_DATA)
    patched(watch)
    from lfci_gate.gate import receive

    tee = Tee(sys.stderr)
    status = receive.pre_receive(os.getcwd(), os.environ, sys.stdin.buffer, tee)  # type: ignore[arg-type]
    sys.stderr.flush()
    resource.setrlimit(resource.RLIMIT_DATA, limits)
    folder = Path(path).with_name("opinions")
    folder.mkdir(exist_ok=True)
    stamp = f"{time.time_ns()}-{os.getpid()}"
    report: dict[str, Any] = {"objects": len(watch.objects), "signatures": len(watch.verdicts)}
    report["differences"] = opinions(watch) if told["opinions"] else []
    if told["record"]:
        case = case_of(watch, told, tee.said, status)
        report["recorded"] = case is not None
        if case is not None:
            Path(told["record"], f"{told['name']}-{stamp}.case").write_bytes(case)
    part = folder / f"{stamp}.part"
    part.write_text(json.dumps(report))
    part.rename(folder / f"{stamp}.json")
    return status


if __name__ == "__main__":
    code = main(sys.argv[1])
    os._exit(code)
