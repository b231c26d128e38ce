"""The kit itself: it must notice every way in which a gate can fail, or its green means nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.attacks import kit, replay, runner
from tests.attacks.kit import TARGETS, Attack, Outcome, Scene, perform
from tests.attacks.targets import Lfci
from tests.attacks.world import World, make_world

ATTACK = Attack("A", "no evidence", expect=("LFCI101",))
HASH = "env -u GIT_OBJECT_DIRECTORY -u GIT_QUARANTINE_PATH git hash-object -w --stdin"
SAYS = "echo 'error[LFCI101]: no' >&2"


class Broken(Lfci):
    """A gate that lets the template's landing through, and then fails as ``script`` does."""

    def __init__(self, script: str) -> None:
        self.name = f"broken-{abs(hash(script))}"
        self.script = script

    def install(self, path: Path, policy: bytes, object_format: str) -> None:
        super().install(path, policy, object_format)
        hook = path / "hooks/pre-receive"
        real = hook.with_name("real")
        hook.rename(real)
        hook.write_text(
            "#!/bin/sh\ngit rev-parse -q --verify refs/heads/main >/dev/null || exec hooks/real\n"
            + self.script
        )
        hook.chmod(0o755)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with make_world(tmp_path_factory.mktemp("kit"), transports=("daemon",)) as made:
        yield made


def unchecked(scene: Scene) -> None:
    scene.eve.edit()
    scene.refused(scene.eve, "main")


def outcome_of(
    world: World, target: object, mount: Callable[[Scene], None] = unchecked, **more: object
) -> Outcome:
    return perform("x", ATTACK, mount, world, target, "daemon", **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("script", "verdict"),
    [
        ("exit 0", "FALSE ACCEPT"),
        (f"{SAYS}; env -u GIT_QUARANTINE_PATH git update-ref refs/heads/x HEAD; exit 1", "FALSE ACCEPT"),
        (f"{SAYS}; touch left; exit 1", "left behind"),
        (f"{SAYS}; echo more >> description; exit 1", "left behind"),
        (f"{SAYS}; echo x | {HASH}; exit 1",
         "left behind"),
        ("exit 1", "wrong answer"),
        ("echo 'error[LFCI102]: no' >&2; exit 1", "wrong answer"),
        (f"{SAYS}; echo 'error[LFCI206]: no' >&2; exit 1", "wrong answer"),
        (f"{SAYS}; head -c 300000000 /dev/zero | tail -c 299999999 >/dev/null; exit 1", "unbounded"),
        (f"{SAYS}; exit 1", "refused"),
    ],
)  # fmt: skip
def test_how_a_gate_can_fail(script: str, verdict: str, world: World) -> None:
    found = outcome_of(world, Broken(script))
    assert found.verdict == verdict, found.detail
    assert found.ok == (verdict == "refused")


def test_a_gate_that_is_slow_or_leaves_a_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kit, "MAX_SECONDS", 0.2)
    assert outcome_of(world, Broken(f"{SAYS}; sleep 0.3; exit 1")).verdict == "unbounded"
    busy = f"{SAYS}; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; exit 1"
    assert outcome_of(world, Broken(busy), bound="cpu").verdict == "unbounded"
    monkeypatch.undo()
    left = outcome_of(world, Broken(f"{SAYS}; (sleep 30 >/dev/null 2>&1) & sleep 0; exit 1"))
    assert (left.verdict, "sleep 30" in left.detail) == ("left behind", True), left.detail


def test_a_control_that_does_not_land(world: World) -> None:
    def mount(scene: Scene) -> None:
        scene.eve.edit()
        scene.lands(scene.eve, "main")

    assert outcome_of(world, TARGETS["lfci"], mount).verdict == "control failed"


def test_an_attack_that_is_broken_hides_nothing(world: World) -> None:
    def mount(scene: Scene) -> None:
        raise KeyError("x")

    found = outcome_of(world, TARGETS["lfci"], mount)
    assert (found.verdict, found.ok) == ("error", False)


def test_without_a_gate_it_succeeds(world: World) -> None:
    assert outcome_of(world, TARGETS["none"]).verdict == "succeeds"

    def by_git(scene: Scene) -> None:
        scene.refused_raw(scene.eve, [(scene.zero, scene.eve.tip, "refs/heads/bad..name")])

    assert outcome_of(world, TARGETS["none"], by_git).verdict == "git refuses"


def test_a_second_opinion_that_differs_fails_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    report = {"objects": 1, "signatures": 1, "differences": [{"what": "object-bytes", "detail": "d"}]}

    def mount(scene: Scene) -> None:
        scene.eve.edit()
        scene.refused(scene.eve, "main")
        (scene.place / "opinions/0.json").write_text(json.dumps(report))

    told = {"name": "x", "opinions": True, "record": None}
    assert outcome_of(world, TARGETS["lfci"], mount, instrument=told).verdict == "second opinion differs"
    monkeypatch.setattr(kit, "listed_differences", lambda: {("object-bytes", "x")})
    assert outcome_of(world, TARGETS["lfci"], mount, instrument=told).verdict == "refused"


def test_a_case_replays_and_notices_other_rules(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"name": "x", "opinions": False, "record": str(tmp_path)}
    assert outcome_of(world, TARGETS["lfci"], instrument=told).ok
    [case] = map(replay.load, tmp_path.glob("*.case"))
    assert replay.differs(case) == ""
    assert replay.codes_of(case.evaluate()) == ("refused", frozenset({"LFCI101"}))
    monkeypatch.setattr("lfci_gate.gate.strength._why_not", lambda *_: ())
    assert replay.codes_of(case.evaluate())[0] == "accepted"
    assert "instead of" in replay.differs(case)


def test_every_attack_is_told_and_counted_once() -> None:
    titles: dict[str, str] = {}
    for name in runner.names():
        module = runner.load(name)
        assert name[0].upper() == module.ATTACK.letter, name
        assert module.__doc__, name
        assert module.ATTACK.title not in titles, (name, titles.get(module.ATTACK.title))
        titles[module.ATTACK.title] = name
        expected = module.ATTACK.expect
        assert not expected or any(code in module.__doc__ for code in expected), name


def test_the_runner_tells_and_counts(capsys: pytest.CaptureFixture[str]) -> None:
    good = Outcome("a_x", "A", "t", "lfci", "daemon", "refused", ["LFCI101"])
    bad = Outcome("a_y", "A", "u", "lfci", "ssh", "FALSE ACCEPT", detail="accepted")
    bare = Outcome("a_y", "A", "u", "none", "daemon", "succeeds")
    rows = runner.rows_of([good, bad, bare], "lfci")
    assert runner.summary(rows).startswith("2 attacks, 1 fended off, 1 not; without a gate 1 succeed")
    assert "FALSE ACCEPT" in runner.table(rows)
    runner.complain(rows, "lfci")
    assert "!!!! FALSE ACCEPT: a_y over ssh" in (said := capsys.readouterr().err)
    assert "python -m tests.attacks --only a_y --transport ssh --target lfci" in said
    assert json.loads(runner.as_json(rows))["count"] == 2
