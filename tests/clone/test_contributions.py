"""A change by somebody whose key the policy does not know, on its way to main: step by step as the user guide
says under "Contributions from outside", over git daemon. Each command that is run here stands there."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.clone.conftest import Screen, Worker
from tests.clone.test_land import landed, random_bytes, refused, tip
from tests.support.forge import AGENT, MAINTAINER, RULE, SECOND_AGENT, STRANGER, Forge, policy_text

GUIDE = Path(__file__).parents[2] / "docs/user-guide.md"
TOPIC = "origin/contrib/eve/topic"


def documented() -> set[str]:
    """The command lines of the section."""
    section = GUIDE.read_text().split("### Contributions from outside\n", 1)[1].split("\n### ", 1)[0]
    blocks = re.findall(r"```sh\n(.*?)```", section, re.DOTALL)
    return {line.strip() for block in blocks for line in block.splitlines() if line.strip()}


def step(worker: Worker, line: str) -> Screen:
    """One documented command in somebody's clone, which ends well."""
    assert line in documented()
    program, *words = shlex.split(line)
    if program == "lfci":
        shown = worker.lfci(*words)
    else:
        done = subprocess.run(
            [program, *words],
            cwd=worker.path,
            env=worker.environ(),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        shown = Screen(done.returncode, done.stdout, done.stderr)
    assert shown.status == 0, shown.text
    return shown


@pytest.fixture
def eve(forge: Forge, clone_of: Callable[..., Worker]) -> Worker:
    """Nobody in the policy knows her."""
    return clone_of(forge, "eve", STRANGER)


@pytest.fixture
def runner(forge: Forge, clone_of: Callable[..., Worker]) -> Worker:
    """A machine whose key has the role agent."""
    return clone_of(forge, "runner", SECOND_AGENT)


def contribute(eve: Worker, files: dict[str, bytes | None]) -> str:
    step(eve, "git switch -c topic origin/main")
    for path, data in files.items():
        eve.repo.write(path, data)
    step(eve, "git commit -am 'Correct the guide'")
    step(eve, "git push origin HEAD:refs/heads/contrib/eve/topic")
    return eve.head()


def vouch(runner: Worker, signer: Any = SECOND_AGENT) -> Screen:
    """What a runner does. The run itself is the kit's: what is known is not run again."""
    step(runner, "git fetch origin")
    step(runner, "git diff origin/main...origin/contrib/eve/topic")
    runner.attest(TOPIC, signer)
    step(runner, f"lfci check --rev {TOPIC}")
    return step(runner, f"lfci attestation send {TOPIC}")


def test_a_trusted_runner_vouches_for_a_stranger_s_change(eve: Worker, runner: Worker, mara: Worker) -> None:
    before = tip(eve)
    commit = contribute(eve, {"src/lib.py": random_bytes()})
    # The contributor alone gets nowhere, with or without evidence of her own.
    eve.developer.refused("LFCI101", "origin", "HEAD:main")
    eve.developer.refused("LFCI103", "origin", "HEAD:main", eve.developer.evidence("HEAD", STRANGER))
    eve.attest(signer=STRANGER)
    refused(eve, "LFCI103")
    sent = eve.lfci("attestation", "send")
    assert (sent.status, "warning: no key of the policy signed 1 of them" in sent.err) == (0, True)
    eve.developer.refused("LFCI101", "origin", "HEAD:main")  # it lies there, and is passed over
    assert tip(eve) == before
    # A runner's word is enough.
    nothing = runner.lfci("attestation", "send", TOPIC)
    assert (nothing.status, "error[LFCI514]" in nothing.err) == (2, True)
    runner.repo.git("fetch", "-q", "origin")
    nothing = runner.lfci("attestation", "send", TOPIC)
    assert (nothing.status, "error[LFCI101]" in nothing.err) == (1, True)
    assert f"hint: lfci check --rev {TOPIC}" in nothing.err
    shown = vouch(runner)
    assert shown.out == f"sent 1 attestation about {commit[:12]} for main to origin\n"
    assert "warning" not in shown.err
    again = step(runner, f"lfci attestation send {TOPIC}")
    assert again.out == f"nothing to send: origin has what is here about {commit[:12]} for main\n"
    assert tip(eve) == before
    # Whoever lands it runs nothing.
    step(mara, "git fetch origin")
    step(mara, f"git switch --detach {TOPIC}")
    step(mara, "lfci land")
    assert tip(eve) == commit
    note = mara.forge.note("lfci-landed", commit).decode()
    assert "check test: PASSED, 2 passed, engine develop, key second-agent" in note
    mara.forge.fsck()


def test_several_runners_corroborate_and_a_maintainer_approves(
    eve: Worker, runner: Worker, ada: Worker, mara: Worker
) -> None:
    require = [{"check": "test", "roles": ["agent"], "assurance": "corroborated", "threshold": 2}]
    base = mara.head()
    mara.edit({".lfci/policy.toml": policy_text(version=2, rules=({**RULE, "require": require},))})
    approvals = mara.developer.approvals("HEAD", base)
    mara.developer.lands("origin", "main", mara.developer.evidence("HEAD"), *approvals)
    for worker in (eve, runner, ada):
        worker.repo.git("fetch", "-q", "origin")
    commit = contribute(eve, {"src/lib.py": random_bytes(), "tests/test_lib.py": random_bytes()})
    vouch(runner)
    step(mara, "git fetch origin")
    step(mara, f"git switch --detach {TOPIC}")
    mara.attest(signer=MAINTAINER)  # what her own run would say: it counts for nothing, and is not repeated
    text = refused(mara, "LFCI111")
    assert "1 of 2 distinct identities attest it" in text
    assert "error[LFCI206]" in text
    ada.repo.git("fetch", "-q", "origin")
    answer = ada.lfci("attestation", "send", TOPIC, "--format", "json")
    assert answer.status == 0, answer.text
    assert (answer.json["sent"], len(answer.json["there"])) == ([], 1)  # the runner's has come with the fetch
    shown = vouch(ada, AGENT)
    assert "not enough yet" not in shown.err
    step(mara, f"lfci approve {TOPIC} --reason 'as discussed'")
    answer = landed(mara)
    assert (answer["commit"], answer["checks"][0]["lacking"]) == (commit, [])
    assert tip(eve) == commit
    note = mara.forge.note("lfci-landed", commit).decode()
    assert "check test: 2 identities got the same result" in note


def test_sending_where_nothing_is_asked(ada: Worker) -> None:
    ada.attest()
    shown = ada.lfci("attestation", "send", "--target", "wip")
    assert (shown.status, "error[LFCI216]" in shown.err) == (2, True), shown.text
    shown = ada.lfci("attestation", "send", "--remote", "nowhere")
    assert (shown.status, "error[LFCI514]" in shown.err) == (2, True), shown.text
    assert not ada.forge.waiting()
