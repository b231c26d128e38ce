"""What a policy that can land may still get wrong."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from lfci_gate.config.policy import parse_policy
from lfci_gate.config.policy_warnings import warnings
from lfci_gate.config.project import parse_project
from tests.support.policies import UUID, line

NOW = datetime(2026, 11, 23, 5, 40, tzinfo=UTC)
FILES = (b"README", b"flake.nix", b"tests/a", b".lfci/policy.toml")
CONFIG = parse_project(b'version = 1\n[checks.test]\nrun = "true"\n')

GOOD = f"""\
version = 1
repository = "{UUID}"
[keys.ann]
public = "{line(1)}"
roles = ["maintainer"]
[keys.bob]
public = "{line(2)}"
roles = ["maintainer"]
[keys.agent-7]
public = "{line(3)}"
roles = ["agent"]
[keys.agent-8]
public = "{line(4)}"
roles = ["agent"]
[[rules]]
refs = ["refs/heads/main"]
[[rules.require]]
check = "test"
roles = ["agent"]
[[rules.protect]]
paths = ["flake.nix", ".lfci/", "tests/"]
roles = ["maintainer"]
"""


def warned(text: str) -> list[str]:
    found = warnings(parse_policy(text.encode()), NOW, config=CONFIG, files=FILES)
    assert all(each.fix and each.text.isascii() and not each.text.endswith(".") for each in found)
    return [each.text for each in found]


def test_a_good_policy_is_no_reason_to_warn() -> None:
    assert warned(GOOD) == []


def test_what_is_not_known_is_not_warned_of() -> None:
    policy = parse_policy(GOOD.replace('"test"', '"lint"').replace('"tests/"', '"test/"').encode())
    assert warnings(policy, NOW, config=None, files=None) == ()


AGENTS = 'roles = ["agent"]\n[[rules.p'
BOB = f'public = "{line(2)}"\nroles = ["maintainer"]'
POLICY_BY = "can approve a change of .lfci/policy.toml; without them only the operator can"
ANN = f'public = "{line(1)}"\n'
HEIR = f'[keys.ann-2]\npublic = "{line(9)}"\nroles = ["maintainer"]\nidentity = "ann"\n'
LINK = '[[delegations]]\nfrom = "maintainer"\nto = "{}"\npaths = ["tests/"]\nuntil = {}T00:00:00Z\n'
RULE = '[[rules]]\nrefs = ["{}"]\n'


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        (ANN, ANN + "valid-until = 2026-12-23T00:00:00Z\n", "key ann expires on 2026-12-23 (in 29 days)"),
        (
            ANN,
            ANN + "valid-until = 2026-11-24T00:00:00Z\n",
            "key ann expires on 2026-11-24 (in less than a day)",
        ),
        (ANN, ANN + "valid-until = 2026-11-23T00:00:00Z\n", "key ann expired on 2026-11-23"),
        (
            'roles = ["agent"]\n[[rules]]',
            'roles = ["idle"]\n[[rules]]',
            "key agent-8 has only the role idle, which no rule asks for",
        ),
        (
            AGENTS,
            'roles = ["agent", "runner"]\n[[rules.p',
            "no key has the role runner, which may act to attest test in rule 1",
        ),
        (
            AGENTS,
            'roles = ["agent"]\nassurance = "derived"\n[[rules.p',
            "no key has the role verifier, which may act to verify test in rule 1",
        ),
        (
            "[[rules]]",
            LINK.format("agent", "2026-11-01") + "[[rules]]",
            "delegation 1, of maintainer to agent, ended on 2026-11-01",
        ),
        (
            "[[rules]]",
            LINK.format("agent", "2026-11-26") + "[[rules]]",
            "delegation 1, of maintainer to agent, ends on 2026-11-26 (in 2 days)",
        ),
        (
            "[[rules]]",
            LINK.format("lead", "2027-11-26") + "[[rules]]",
            "delegation 1, of maintainer to lead, helps nobody: no key has the role lead",
        ),
        (
            "[[rules]]",
            '[roles.x]\npaths = ["a"]\n[[rules]]',
            "the role x is limited, and nobody has it and nothing asks for it",
        ),
        (
            'check = "test"',
            'check = "lint"',
            "rule 1 requires the check lint, which .lfci/config.toml does not declare",
        ),
        ('"tests/"', '"test/"', "rule 1 protects test/, which matches no file of the tree"),
        (
            '"tests/"',
            '"test/", "x", "!tests/"',
            "rule 1 protects test/ and x, which match no file of the tree",
        ),
    ],
)
def test_what_is_warned_of(old: str, new: str, text: str) -> None:
    assert GOOD.count(old) == 1
    assert text in warned(GOOD.replace(old, new))


def test_a_rotation_is_no_reason_to_warn() -> None:
    ending = GOOD.replace(ANN, ANN + "valid-until = 2026-12-01T00:00:00Z\n")
    assert warned(ending.replace("[[rules]]", HEIR + "[[rules]]")) == []


def test_rules_that_never_apply() -> None:
    assert "rule 2 never applies: earlier rules cover branch main" in warned(
        GOOD + RULE.format("refs/heads/main")
    )
    wide = GOOD.replace('refs = ["refs/heads/main"]', 'refs = ["refs/heads/**"]')
    assert "rule 2 never applies: earlier rules cover branches release/*" in warned(
        wide + RULE.format("refs/heads/release/*")
    )
    half = warned(GOOD + RULE.format('refs/heads/main", "refs/heads/other'))
    assert "rule 2 never applies to branch main: earlier rules cover that" in half
    assert not any("never" in each for each in warned(GOOD + RULE.format("refs/heads/**")))


def test_what_one_person_decides() -> None:
    alone = GOOD.replace(BOB, BOB.replace("maintainer", "agent"))
    assert f"only ann {POLICY_BY}" in warned(alone)
    pair = GOOD.replace('paths = ["flake.nix"', 'threshold = 2\npaths = ["flake.nix"')
    assert f"only ann, bob together {POLICY_BY}" in warned(pair)
    both = GOOD.replace('check = "test"', 'check = "test"\nthreshold = 2')
    assert warned(both) == ["only agent-7, agent-8 together can attest test in rule 1"]


def test_limited_approvers_do_not_help_the_policy_file() -> None:
    text = GOOD.replace("[[rules]]", '[roles.lead]\npaths = ["tests/"]\n[[rules]]').replace(
        BOB, BOB.replace("maintainer", "lead")
    )
    text = text.replace('"tests/"]\nroles = ["maintainer"]', '"tests/"]\nroles = ["lead", "maintainer"]')
    assert any(each.startswith("only ann can approve a change of .lfci/policy.toml") for each in warned(text))
