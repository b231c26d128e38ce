"""The kit that attacks are written with. Everything that an attack needs is here; README.md shows how.

An attack is a folder ``tests/attacks/<letter>_<slug>/`` with ``attack.py``: a docstring (what it does, the
steps, the expected code), ``ATTACK`` and ``mount(scene)``. "Refused" always means: the push fails, no ref
moved, the expected stable codes and no others, nothing left behind, and within bounded time and memory.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from lfci_gate.attest.dsse import pae
from lfci_gate.attest.encoding import b64encode
from lfci_gate.attest.statement import format_statement, subject_of
from lfci_gate.git.inbox import build_inbox_tree, inbox_ref
from lfci_gate.model import ObjectId, Statement
from tests.attacks import wire
from tests.attacks.objects import ObjectWriter, pack, pack_entry
from tests.attacks.targets import TARGETS, Target
from tests.attacks.world import Spec, World, default_policy, measured
from tests.support.evidence import REPOSITORY, TestSigner, ecdsa_signer, ed25519_signer
from tests.support.forge import (
    AGENT,
    CONFIG,
    MAINTAINER,
    RULE,
    SECOND_AGENT,
    STRANGER,
    Developer,
    Forge,
    Pushed,
    now,
    policy_text,
)
from tests.support.repos import Repo

__all__ = [
    "AGENT",
    "CONFIG",
    "MAIN",
    "MAINTAINER",
    "MALFORMED",
    "REPOSITORY",
    "RULE",
    "SECOND_AGENT",
    "STRANGER",
    "TARGETS",
    "ZERO",
    "Attack",
    "Failed",
    "FalseAccept",
    "ObjectId",
    "ObjectWriter",
    "Person",
    "Pushed",
    "Scene",
    "bundle_text",
    "compact",
    "ecdsa_signer",
    "ed25519_signer",
    "hours_ago",
    "now",
    "pack",
    "pack_entry",
    "payload_of",
    "policy_text",
    "sign_raw",
    "signed_bundle",
    "wire",
]  # fmt: skip

MAIN = "refs/heads/main"
T = TypeVar("T")
State = tuple[dict[str, str], frozenset[str], dict[str, bytes]]
ZERO = {"sha1": "0" * 40, "sha256": "0" * 64}

MAX_SECONDS = 4.0
MAX_BYTES = 256 << 20
MALFORMED = ("LFCI101", "LFCI110")
"""What a branch with nothing but a malformed attestation gets: it is malformed, and there is no other."""
GIT = "git"
"""As an expected code: git itself refuses, and the gate is not asked or says nothing."""


@dataclass(frozen=True)
class Attack:
    """What an attack is, for the table and the runner."""

    letter: str
    title: str
    expect: tuple[str, ...] = ()
    """Codes of the refusal: exactly these. ``("git",)`` where git itself refuses; empty where nothing is
    refused and the attack must be without effect (:meth:`Scene.holds`)."""
    quick: bool = False
    """Part of `make test`."""
    gateless: bool = True
    """False where the attack is on the gate's own machinery, and means nothing without a gate."""


class Failed(AssertionError):
    """The attack was not fended off as it should have been, or its control did not land."""

    kind = "failed"


class FalseAccept(Failed):
    """The gate let through what it must refuse."""

    kind = "FALSE ACCEPT"


class LeftBehind(Failed):
    kind = "left behind"


class WrongAnswer(Failed):
    kind = "wrong answer"


class Unbounded(Failed):
    kind = "unbounded"


class Disagreement(Failed):
    """A second opinion differs, and second_opinions.md does not say why it may."""

    kind = "second opinion differs"


class ControlFailed(Failed):
    kind = "control failed"


class Succeeds(Exception):
    """Without a gate: the attack has reached its goal."""


@dataclass
class Costs:
    """Maxima over all pushes of a scene, of the pre-receive hook and its children."""

    wall_s: float = 0.0
    cpu_s: float = 0.0
    rss: int = 0
    hooks: int = 0


class Person(Developer):
    """A clone of the forge, and whatever its owner pushes from there."""

    def __init__(self, repo: Repo, forge: Forge, env: dict[str, str]) -> None:
        self.repo = repo
        self.forge = forge
        self.env = env

    def push(self, *args: str, env: dict[str, str] | None = None) -> Pushed:
        return super().push(*args, env={**self.env, **(env or {})})

    @property
    def path(self) -> Path:
        return self.repo.path

    @functools.cached_property
    def objects(self) -> ObjectWriter:
        """Writes any bytes as any object into this clone."""
        return ObjectWriter(self.repo.path / ".git", self.repo.hash_name)

    @property
    def tip(self) -> str:
        """The forge's main, as it is now."""
        return self.forge.refs()[MAIN]

    def rev(self, name: str) -> str:
        return self.repo.line("rev-parse", "--verify", name)

    def deliver(
        self,
        line: bytes,
        result: bytes | None = None,
        *,
        subject: str | None = None,
        identifier: str | None = None,
    ) -> str:
        """Refspec of an inbox ref with any bytes as the bundle line. ``subject`` and ``identifier`` are
        read from the line where they are not given, by JSON and base64 alone."""
        import base64

        if subject is None or identifier is None:
            envelope = json.loads(line)["dsseEnvelope"]
            payload = base64.b64decode(envelope["payload"])
            identifier = identifier or hashlib.sha256(pae(envelope["payloadType"], payload)).hexdigest()
            subject = subject or next(iter(json.loads(payload)["subject"][0]["digest"].values()))
        tree = build_inbox_tree(line, result, lambda kind, data: ObjectId(self.objects.add(kind, data)))
        return f"{tree}:{inbox_ref(ObjectId(subject), identifier)}"

    def statement(self, statement: Statement, *signers: TestSigner, result: bytes | None = None) -> str:
        """Refspec that delivers a statement signed by all of ``signers`` in one envelope."""
        line = signed_bundle(format_statement(statement), *signers)
        return self.deliver(line, result, subject=subject_of(statement))

    def json_run(self, rev: str = "HEAD", **changes: Any) -> tuple[dict[str, Any], bytes]:
        """(a passing run as a JSON document to be changed by hand, its result document)."""
        run, result = self.run_of(rev, **changes)
        return json.loads(format_statement(run)), result

    def forged(self, document: dict[str, Any] | bytes, result: bytes, *signers: TestSigner) -> str:
        """Refspec of a statement that is any JSON (or any bytes), signed by ``signers`` (the agent),
        under the subject of an honest run at HEAD where its own cannot be read."""
        payload = document if isinstance(document, bytes) else compact(document)
        line = signed_bundle(payload, *(signers or (AGENT,)))
        identifier = hashlib.sha256(pae("application/vnd.in-toto+json", payload)).hexdigest()
        return self.deliver(line, result, subject=self.run_of("HEAD")[0].inputs_tree, identifier=identifier)

    def run(self, rev: str = "HEAD", signer: TestSigner = AGENT, check: str = "test", **changes: Any) -> str:
        """Refspec that delivers a run of a check at ``rev``; ``changes`` replace its fields. Unlike
        :meth:`Developer.evidence` it takes any signer, and statements that contradict themselves."""
        changes.setdefault("attester", signer.public.fingerprint)
        statement, data = self.run_of(rev, check, **changes)
        return self.statement(statement, signer, result=data)


class Scene:
    """A fresh forge, the people around it, and the words an attack is told in.

    ``ada`` is honest, ``eve`` attacks; both have a clone at the forge's main. :meth:`setup` comes first
    where the defaults will not do.
    """

    def __init__(
        self,
        world: World,
        target: Target,
        transport: str,
        expect: tuple[str, ...],
        *,
        bound: str = "wall",
        instrument: dict[str, Any] | None = None,
        quick: bool = False,
    ) -> None:
        self.world = world
        self.target = target
        self.transport = transport
        self.costs = Costs()
        self.codes: set[str] = set()
        """All codes of refusals so far."""
        self.asked = 0
        """Objects and signatures that others were asked about."""
        self._expect = expect
        self._bound = bound
        self._instrument = instrument
        self._quick = quick
        self._spec = Spec(default_policy())
        self._place: Path | None = None
        self._forge: Forge | None = None
        self._people: dict[str, Person] = {}
        self._seen: set[Path] = set()

    # -- the stage ------------------------------------------------------------------------

    def setup(
        self,
        policy: bytes | None = None,
        *,
        config: bytes = CONFIG,
        files: dict[str, bytes] | None = None,
        object_format: str = "sha1",
        empty: bool = False,
        server_policy: bytes | None = None,
    ) -> None:
        """Another stage than the default: before anything else.

        Arguments: ``policy`` and ``config`` land with the first commit, and ``files`` with them; ``empty``
        leaves the forge without any landing; ``server_policy`` is the operator's own file, in force from
        the start (cheaper than a landed policy).
        """
        assert self._forge is None, "setup() comes first"
        self._spec = Spec(
            policy or default_policy(), config, tuple(sorted((files or {}).items())), object_format, empty
        )
        if server_policy is not None:
            self.forge.set_policy(server_policy)

    @property
    def forge(self) -> Forge:
        if self._forge is None:
            self._place, self._forge = self.world.fresh(self.target, self._spec, self.transport)
            if not self.target.judges:
                self._forge.set_policy = lambda policy: None  # type: ignore[method-assign]
            else:
                self._reports = measured(self._place, self._forge, instrument=self._instrument)
        return self._forge

    @property
    def place(self) -> Path:
        """A folder of this scene, beside the forge."""
        assert self.forge is not None
        assert self._place is not None
        return self._place

    @property
    def url(self) -> str:
        return self.forge.url

    def person(self, name: str) -> Person:
        """Somebody with a clone at the forge's main; made when first named."""
        if name not in self._people:
            path = self.place / name
            shutil.copytree(self.world.template(self.target, self._spec) / "clone", path)
            person = Person(
                Repo(path, self._spec.object_format),
                self.forge,
                self.world.served[self.transport].env,
            )
            person.repo.git("remote", "set-url", "origin", self.url)
            self._people[name] = person
        return self._people[name]

    @property
    def eve(self) -> Person:
        return self.person("eve")

    @property
    def ada(self) -> Person:
        return self.person("ada")

    @property
    def zero(self) -> str:
        return ZERO[self._spec.object_format]

    def some(self, variations: Iterable[T], most: int = 2) -> list[T]:
        """All variations of one mechanism; in `make test` the first ``most``."""
        return list(variations)[: most if self._quick else None]

    # -- what happens -----------------------------------------------------------------------

    def refused(
        self,
        who: Person,
        *args: str,
        code: str | tuple[str, ...] | None = None,
        env: dict[str, str] | None = None,
    ) -> Pushed:
        """`git push origin ARGS` must be refused (options go first in ``args``)."""
        options = [each for each in args if each.startswith("-")]
        specs = [each for each in args if not each.startswith("-")]
        return self.refuses(lambda: who.push(*options, "origin", *specs, env=env), code=code)

    def refused_raw(
        self,
        who: Person,
        updates: Iterable[tuple[str, str, str | bytes]],
        pack_bytes: bytes = b"",
        *,
        capabilities: bytes = wire.CAPABILITIES,
        before: bytes = b"",
        code: str | tuple[str, ...] | None = None,
    ) -> Pushed:
        """A push by hand must be refused: (old, new, ref) commands and a pack, past git's client."""
        return self.refuses(
            lambda: self.raw(who, updates, pack_bytes, capabilities=capabilities, before=before), code=code
        )

    def raw(
        self,
        who: Person,
        updates: Iterable[tuple[str, str, str | bytes]],
        pack_bytes: bytes = b"",
        *,
        capabilities: bytes = wire.CAPABILITIES,
        before: bytes = b"",
    ) -> Pushed:
        """A push by hand, however it ends."""
        if self._spec.object_format != "sha1":
            capabilities += b" object-format=" + self._spec.object_format.encode()
        body = wire.commands(updates, capabilities, before=before) + pack_bytes
        return wire.push(self.url, body, who.env)

    def pack_for(self, who: Person, *want: str, have: Iterable[str] = ()) -> bytes:
        """git's own pack of what is reachable from ``want`` and not from ``have``."""
        revs = "".join(f"{each}\n" for each in want) + "".join(f"^{each}\n" for each in have)
        return who.repo.git("pack-objects", "--revs", "--stdout", "-q", input=revs.encode())

    def pack_of(self, who: Person, *names: str) -> bytes:
        """A pack of exactly these objects, which ``who.objects`` has made."""
        made = who.objects.made
        return pack([pack_entry(*made[name]) for name in names], self._spec.object_format)

    def refuses(self, push: Callable[[], Pushed], *, code: str | tuple[str, ...] | None = None) -> Pushed:
        """Whatever ``push`` does must be refused, with exactly these codes (the attack's by default)."""
        expected = self._expect if code is None else (code,) if isinstance(code, str) else code
        assert expected, "which code?"
        before = self._state()
        pushed = push()
        if not self.target.judges:
            if pushed.status == 0:
                raise Succeeds
            return pushed
        found = self.target.codes(pushed.output)
        self.codes |= found or {GIT}
        if pushed.status == 0:
            raise FalseAccept(f"the push was accepted\n{pushed.output}")
        self._unchanged(before, pushed)
        if found != set(expected) - {GIT}:
            raise WrongAnswer(f"expected {', '.join(expected)}, got {', '.join(sorted(found)) or 'no code'}"
                              f"\n{pushed.output}")  # fmt: skip
        self._bounded()
        return pushed

    def lands(self, who: Person, *args: str, env: dict[str, str] | None = None) -> Pushed:
        """The honest counterpart: this push must land, and be folded."""
        pushed = self.passes(who, *args, env=env)
        if self.target.judges:
            self.target.settle(self.forge.path)
            waiting = self.target.waiting(self.forge.path)
            if waiting:
                raise ControlFailed(f"left to be done after the push: {waiting[:3]}")
        self._clean(ControlFailed)
        return pushed

    def passes(self, who: Person, *args: str, env: dict[str, str] | None = None) -> Pushed:
        """This push must be let through; what it leaves to be folded is not looked at."""
        options = [each for each in args if each.startswith("-")]
        specs = [each for each in args if not each.startswith("-")]
        pushed = who.push(*options, "origin", *specs, env=env)
        if pushed.status != 0:
            raise ControlFailed(f"an honest push was refused\n{pushed.output}")
        self._bounded()
        return pushed

    def holds(self, condition: object, what: str) -> None:
        """Something that must be true whatever the attack did; without a gate it is no goal of an attack."""
        if not condition and self.target.judges:
            raise Failed(what)

    def gone(self, condition: object, what: str) -> None:
        """Like :meth:`holds`, and when it is not true without a gate, the attack has succeeded there."""
        if condition:
            return
        if not self.target.judges:
            raise Succeeds
        raise Failed(what)

    # -- several at once, and hooks that go wrong ----------------------------------------------

    def together(self, *actions: Callable[[], T]) -> list[T]:
        """All actions at once, each in its own thread; their results in the order given."""
        with ThreadPoolExecutor(len(actions)) as pool:
            return [each.result() for each in [pool.submit(action) for action in actions]]

    def hook(self, name: str, script: str) -> None:
        """Replaces ``pre-receive`` (inside of the measuring wrapper) or ``post-receive`` by a shell script in
        which ``$HOOK`` is the gate's own hook."""
        path = self._real_hook(name)
        real = self.place / f"{name}.real"
        if not real.exists():
            shutil.copy(path, real)
        path.write_text(f"#!/bin/sh\nHOOK={shlex.quote(str(real))}\n{script}\n")
        path.chmod(0o755)

    def python_hook(self, name: str, code: str) -> None:
        """Runs the gate's hook in Python after ``code``."""
        text = f"import sys\n{code}\nfrom lfci_gate.gate.receive import main\nsys.exit(main([{name!r}]))"
        self.hook(name, f"exec {shlex.quote(sys.executable)} -I -c {shlex.quote(text)}")

    def own_hook(self, name: str) -> None:
        """The gate's own hook again."""
        real = self.place / f"{name}.real"
        if real.exists():
            shutil.copy(real, self._real_hook(name))
            real.unlink()

    def _real_hook(self, name: str) -> Path:
        inner = self.place / name  # where the measuring wrapper has it
        return inner if inner.exists() else self.forge.path / "hooks" / name

    # -- what "refused" means -------------------------------------------------------------------

    def _state(self) -> State:
        refs, files = self.forge.state()
        small = {
            name: (self.forge.path / name).read_bytes()
            for name in files
            if not name.startswith("objects/") and (self.forge.path / name).exists()
        }
        return refs, files, small

    def _unchanged(self, before: State, pushed: Pushed) -> None:
        after = self._state()
        if after[0] != before[0]:
            moved = sorted(dict(set(after[0].items()) ^ set(before[0].items())))
            raise FalseAccept(f"refs moved: {moved[:5]}\n{pushed.output}")
        if after != before:
            changed = {name for name in after[2] if before[2].get(name) != after[2][name]}
            raise LeftBehind(f"files: {sorted(changed | (before[1] ^ after[1]))[:5]}\n{pushed.output}")
        self._clean(LeftBehind)

    def _clean(self, error: type[Failed]) -> None:
        done = subprocess.run(
            ["git", "fsck", "--full", "--strict", "--no-dangling"],
            cwd=self.forge.path, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        # A notice is of a HEAD without commits.
        said = [line for line in done.stderr.splitlines() if not line.startswith("notice: ")]
        if (done.returncode != 0 or said) and self.target.judges:
            raise error(f"git fsck: {done.stdout[-500:]}{done.stderr[-500:]}")

    def _second_opinions(self) -> None:
        """Takes the new reports of the instrumented gate."""
        if self._instrument is None:
            return
        for path in sorted((self.place / "opinions").glob("*.json")):
            if path in self._seen:
                continue
            self._seen.add(path)
            found = json.loads(path.read_text())
            self.asked += found["objects"] + found["signatures"]
            for each in found["differences"]:
                if (each["what"], self._instrument["name"]) not in listed_differences():
                    raise Disagreement(f"{each['what']}: {each['detail']}")

    def _bounded(self) -> None:
        """Takes the new reports of the measuring wrapper."""
        self._second_opinions()
        if not self.target.judges:
            return
        new = [each for each in sorted(self._reports.glob("*.json")) if each not in self._seen]
        for path in new:
            self._seen.add(path)
            found = json.loads(path.read_text())
            costs = self.costs
            costs.hooks += 1
            costs.wall_s = max(costs.wall_s, found["wall_s"])
            costs.cpu_s = max(costs.cpu_s, found["cpu_s"])
            costs.rss = max(costs.rss, found["rss"])
            if found["survivors"]:
                raise LeftBehind(f"processes: {found['survivors'][:3]}")
            if self._instrument is not None:
                continue  # what it took would be the second opinions
            if found[f"{self._bound}_s"] >= MAX_SECONDS:
                raise Unbounded(f"the hook took {found['wall_s']:.2f} s ({found['cpu_s']:.2f} s of CPU)")
            if found["rss"] >= MAX_BYTES:
                raise Unbounded(f"the hook took {found['rss'] >> 20} MiB")

    def close(self) -> None:
        """Removes the scene's folder."""
        if self._place is not None:
            shutil.rmtree(self._place, ignore_errors=True)


@functools.cache
def listed_differences() -> frozenset[tuple[str, str]]:
    """(what, attack) of the table in second_opinions.md."""
    text = Path(__file__).with_name("second_opinions.md").read_text()
    rows = [line.split("|")[1:3] for line in text.splitlines() if line.startswith("| `")]
    return frozenset((what.strip(" `"), name.strip(" `")) for what, name in rows)


# -- envelopes by hand -------------------------------------------------------------------------


def compact(document: object) -> bytes:
    """JSON without spaces, in the order that ``document`` has."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def payload_of(statement: Statement) -> bytes:
    """The canonical JSON of a statement."""
    return format_statement(statement)


def sign_raw(signer: TestSigner, payload: bytes, payload_type: str = "application/vnd.in-toto+json") -> bytes:
    """A signature over the PAE of any bytes."""
    return signer.sign(pae(payload_type, payload))


def bundle_text(
    payload: bytes | str,
    signatures: Iterable[bytes | str],
    hint: str,
    *,
    payload_type: str = "application/vnd.in-toto+json",
    media_type: str = "application/vnd.dev.sigstore.bundle.v0.3+json",
) -> bytes:
    """A bundle line of any parts, none of them checked. Bytes are base64-encoded, strings are put in as
    they are."""

    def text(value: bytes | str) -> str:
        return b64encode(value) if isinstance(value, bytes) else value

    made = {
        "mediaType": media_type,
        "verificationMaterial": {"publicKey": {"hint": hint}},
        "dsseEnvelope": {
            "payload": text(payload),
            "payloadType": payload_type,
            "signatures": [{"sig": text(each)} for each in signatures],
        },
    }
    return json.dumps(made, separators=(",", ":")).encode()


def signed_bundle(payload: bytes, *signers: TestSigner, hint: str | None = None) -> bytes:
    """A bundle line of a payload signed honestly by all of ``signers``."""
    named = signers[0].public.fingerprint if hint is None else hint
    return bundle_text(payload, [sign_raw(each, payload) for each in signers], named)


# -- performing ------------------------------------------------------------------------------------


@dataclass
class Outcome:
    """How one attack ended against one target over one transport."""

    name: str
    letter: str
    title: str
    target: str
    transport: str
    verdict: str
    """``refused``, ``harmless``, ``succeeds`` (without a gate), ``git refuses``, ``n/a``, or what failed."""
    codes: list[str] = field(default_factory=list)
    costs: Costs = field(default_factory=Costs)
    seconds: float = 0.0
    detail: str = ""
    instrumented: bool = False
    asked: int = 0
    """Objects and signatures that second opinions were asked about."""

    @property
    def ok(self) -> bool:
        return self.verdict in ("refused", "harmless", "succeeds", "git refuses", "n/a")

    @property
    def busy(self) -> bool:
        """Whether it failed for want of time: that may be the machine's, which has other work."""
        return not self.ok and (self.verdict == Unbounded.kind or "LFCI503" in self.detail)


def perform(
    name: str,
    attack: Attack,
    mount: Callable[[Scene], None],
    world: World,
    target: Target,
    transport: str,
    *,
    bound: str = "wall",
    instrument: dict[str, Any] | None = None,
    quick: bool = False,
) -> Outcome:
    """Mounts one attack on a fresh forge; whatever happens is in the outcome."""
    outcome = Outcome(name, attack.letter, attack.title, target.name, transport, "refused")
    if not target.judges and not attack.gateless:
        outcome.verdict = "n/a"
        return outcome
    scene = Scene(world, target, transport, attack.expect, bound=bound, instrument=instrument, quick=quick)
    started = time.monotonic()
    try:
        mount(scene)
        scene._bounded()
        if not attack.expect:
            outcome.verdict = "harmless"
        elif not target.judges:
            outcome.verdict = "git refuses"
    except Succeeds:
        outcome.verdict = "succeeds"
    except Failed as error:
        outcome.verdict, outcome.detail = error.kind, str(error)
    except Exception as error:  # noqa: BLE001 - one attack that breaks must not hide the others
        outcome.verdict, outcome.detail = "error", f"{type(error).__name__}: {error}"
    outcome.seconds = time.monotonic() - started
    outcome.codes, outcome.costs = sorted(scene.codes), scene.costs
    outcome.instrumented = instrument is not None
    outcome.asked = scene.asked
    scene.close()
    return outcome


def hours_ago(hours: float) -> datetime:
    """A moment of whole seconds in the past (negative: the future)."""
    return now() - timedelta(hours=hours)
