"""How one of the things that a client sends along goes wrong."""

from __future__ import annotations

from dataclasses import replace

from tests.properties import oracle
from tests.properties.honest import Client
from tests.properties.model import (
    DAY,
    ELSEWHERE,
    PLAIN,
    Approval,
    Bypass,
    Delivery,
    Evidence,
    Finding,
    Run,
)
from tests.properties.scenery import HOUR, STRANGER

FAULTS = ("no bundle", "no document", "other document", "other subject")
FAILED = (("t::one", "failed"), ("t::two", "passed"))


class Careless(Client):
    """A client that can also send what is wrong."""

    def spoiled(self, deliveries: list[Delivery]) -> list[Delivery]:
        """With one of them wrong, or gone, or contradicted."""
        if not deliveries:
            return deliveries
        chosen = self.chance.pick(deliveries)
        rest = [each for each in deliveries if each is not chosen]
        evidence = chosen.evidence
        how = self.chance.pick(
            ("drop", "signer", "signature", "statement", "statement", "statement", "delivery")
        )
        if how == "drop":
            return rest
        if how == "signer":
            holder = self.chance.pick((STRANGER, *self._holders()))
            return [*rest, Delivery(replace(evidence, signers=(holder,)))]
        if how == "signature":
            other = replace(evidence, spoiled=True)
            if self.chance.one_in(2):
                other = replace(other, signers=(*evidence.signers, self.chance.pick(self._holders())))
            return [*rest, Delivery(other)]
        statement = evidence.statement
        if how == "delivery" and isinstance(statement, Run):
            return [
                *rest,
                replace(chosen, fault=self.chance.pick(FAULTS)),
            ]
        if isinstance(statement, Run):
            made = self._other_run(statement, evidence.signers[0])
            return [*rest, *(Delivery(replace(evidence, statement=each)) for each in made)]
        if isinstance(statement, Approval):
            return [*rest, Delivery(replace(evidence, statement=self._other_approval(statement)))]
        if isinstance(statement, Finding):
            made_findings = self._other_finding(statement)
            return [*rest, *(Delivery(replace(evidence, statement=each)) for each in made_findings)]
        return [*rest, Delivery(self._other_bypass(statement, evidence))]

    def _other_bypass(self, bypass: Bypass, evidence: Evidence) -> Evidence:
        if self.chance.one_in(3):
            signers = self.chance.pick((evidence.signers[:1], (STRANGER, *evidence.signers[1:])))
            return replace(evidence, signers=signers)
        changes = [
            {"repository": ELSEWHERE},
            {"ref": "refs/heads/elsewhere"},
            {"old": bypass.commit},
            {"old": None},
            {"waives": ("approvals", "checks", "dependencies", "tests")},
            {"not_after": bypass.not_after + 1},
            {"not_after": self.now + self.edge + 1},
            {"not_after": self.now - self.edge},
            {"issued": self.now + 300 - self.edge, "not_after": self.now + 900},
            {"issued": self.now + 301 + self.edge, "not_after": self.now + 900},
        ]
        return replace(evidence, statement=replace(bypass, **self.chance.pick(changes)))  # type: ignore[arg-type]

    def _holders(self) -> tuple[str, ...]:
        policy, _ = oracle.authority(self.forge, self.documents)
        return () if policy is None else tuple(key.holder for key in policy.keys)

    def moments(self) -> list[int]:
        """Times at and beyond the borders that rules know."""
        edge = self.edge
        return [
            self.now + 300 - edge,
            self.now + 301 + edge,
            self.now - HOUR + edge,
            self.now - HOUR - 1 - edge,
            self.now - 7 * DAY + edge,
            self.now - 7 * DAY - 1 - edge,
            self.now - 40 * DAY,
        ]

    def _other_run(self, run: Run, holder: str) -> list[Run]:
        """The run with one thing different, or beside a failure."""
        failed = replace(
            run,
            passed=False,
            document=replace(run.document, exit_code=1, tests=FAILED if run.counted else ()),
            serial=self.number(),
        )
        other_tree = run.subject.edited({b"src/lib.py": (PLAIN, b"answer = 0\n")})
        one = [
            {"repository": ELSEWHERE},
            {"subject": other_tree},
            {"definition": replace(run.definition, timeout="7m")},
            {"flake": ()},
            {"flake": tuple((path, data + b" ") for path, data in run.flake)},
            {"lockfiles": ((b"src/lib.py", b"something else", 0),)},
            {"lockfiles": tuple((path, data, None) for path, data, _ in run.lockfiles)},
            {"lockfiles": tuple((path, data, 2) for path, data, _ in run.lockfiles)},
            {"lockfiles": run.lockfiles[1:]},
            {"engine": "build" if run.engine == "develop" else "develop"},
            {"hermetic": False},
            {"nix": "2.9"},
            {"started_after": True},
            {"session": True, "base": None},
            {"session": False, "base": None},
            {"target": "refs/heads/elsewhere"},
            {"target": None},
            {"document": replace(run.document, exit_code=3)},
            *({"issued": issued} for issued in self.moments()),
        ]
        if run.counted:
            one += [
                {"document": replace(run.document, tests=(("t::one", "skipped"),))},
                {"document": replace(run.document, tests=())},
                {"document": replace(run.document, tests=FAILED)},
                {"document": replace(run.document, tests=()), "counted": False},
                {"document": replace(run.document, tests=run.document.tests[:1])},
                {"counted": False},
            ]
        two = [
            [failed],
            [run, replace(failed, issued=run.issued + 1)],
            [run, replace(failed, issued=run.issued)],
            [run, replace(failed, issued=run.issued - 1)],
            [run, replace(failed, issued=run.issued + 1, system="aarch64-linux")],
            [run, replace(failed, issued=run.issued + 1, hermetic=False)],
            [run, replace(run, serial=self.number(), drv="1")],
        ]
        if self.chance.one_in(3):
            return self.chance.pick(two)
        return [replace(run, **self.chance.pick(one))]  # type: ignore[arg-type]

    def _other_approval(self, approval: Approval) -> Approval:
        other_tree = approval.to.edited({b"src/lib.py": (PLAIN, b"answer = 0\n")})
        changes = [
            {"repository": ELSEWHERE},
            {"ref": "refs/heads/elsewhere"},
            {"origin": other_tree},
            {"to": other_tree},
            {"paths": (*approval.paths, "docs/")},
            *({"issued": issued} for issued in self.moments()),
        ]
        return replace(approval, **self.chance.pick(changes))  # type: ignore[arg-type]

    def _other_finding(self, finding: Finding) -> list[Finding]:
        other = replace(finding, serial=self.number())
        result = None if finding.result is None else replace(finding.result, exit_code=4)
        two = [
            [replace(finding, repository=ELSEWHERE)],
            [replace(finding, reproduced=False)],
            [replace(finding, drv="1")],
            [replace(finding, system="aarch64-linux")],
            [replace(finding, method="derived", result=None)],
            [replace(finding, result=result)],
            [replace(finding, definition=replace(finding.definition, timeout="7m"))],
            [finding, replace(other, reproduced=False, issued=finding.issued + 1)],
            [finding, replace(other, reproduced=False, issued=finding.issued)],
            [finding, replace(other, reproduced=False, issued=finding.issued - 1)],
            *([replace(finding, issued=issued)] for issued in self.moments()),
        ]
        return self.chance.pick(two)
