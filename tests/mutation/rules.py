"""Which rule of docs/rules.md a function belongs to, for the table of the campaign."""

from __future__ import annotations

from tests.mutation.mutants import Mutant

_OF = (
    ("gate.rules:evaluate", "15 verdict"),
    ("gate.rules:_Evaluation.verdicts", "15 verdict"),
    ("gate.rules:_Evaluation._inbox", "3 update"),
    ("gate.rules:_Evaluation._rule_01_ref", "1 ref"),
    ("gate.rules:_Evaluation._rule_of", "1 ref"),
    ("gate.rules:_Evaluation._authority", "2 policy"),
    ("gate.rules:_Evaluation._rule_03", "3 update"),
    ("gate.rules:_Evaluation._merge_base", "3 update"),
    ("gate.rules", "15 verdict"),
    ("gate.refnames", "1 ref"),
    ("gate.cover", "1 ref"),
    ("gate.authority:refuse_bad_proposal", "13 protected"),
    ("gate.authority:_landed_version", "13 protected"),
    ("gate.authority", "2 policy"),
    ("gate.inbox", "3 update"),
    ("gate.bases", "3 update"),
    ("gate.objects:file_sha256", "9 binding"),
    ("gate.objects", "4 commits"),
    ("gate.judge:Judge._rule_04", "4 commits"),
    ("gate.judge:Judge._scope", "4 commits"),
    ("gate.judge:Judge._rule_05", "5 tree"),
    ("gate.judge:Judge._checks", "6 checks"),
    ("gate.judge:Judge._rule_06", "6 checks"),
    ("gate.judge:Judge._expected", "6 checks"),
    ("gate.judge:_declared", "6 checks"),
    ("gate.judge:Judge._policy_change", "13 protected"),
    ("gate.judge:Judge._protected", "13 protected"),
    ("gate.judge:Judge._approved", "13 protected"),
    ("gate.judge:Judge._against", "14 base"),
    ("gate.judge:Judge._bypass", "16 bypass"),
    ("gate.judge", "15 verdict"),
    ("gate.findings", "15 verdict"),
    ("gate.evidence:EvidenceBook.verify", "8 signature"),
    ("gate.evidence:EvidenceBook._in_turn", "8 signature"),
    ("gate.evidence:EvidenceBook._merged", "8 signature"),
    ("gate.evidence:EvidenceBook._unverified", "8 signature"),
    ("gate.evidence:EvidenceBook._spend", "8 signature"),
    ("gate.evidence", "7 candidates"),
    ("gate.binding:rule_09", "9 binding"),
    ("gate.binding", "10 strength"),
    ("gate.standing", "10 strength"),
    ("gate.strength:rule_10", "10 strength"),
    ("gate.strength:_version", "10 strength"),
    ("gate.quarantine", "12 threshold"),
    ("gate.strength:rule_11", "11 time"),
    ("gate.strength:key_problem", "11 time"),
    ("gate.strength", "12 threshold"),
    ("gate.assurance", "12 threshold"),
    ("gate.pusher", "12 threshold"),
    ("gate.protect", "13 protected"),
    ("gate.apart", "13 protected"),
    ("gate.bypass", "16 bypass"),
    ("gate.", "14 base"),
    ("attest.", "evidence"),
    ("config.", "configuration"),
    ("git.", "git"),
    ("", "grammars"),
)


def rule_of(mutant: Mutant) -> str:
    """The rule, or where the room serves several rules, the room."""
    name = f"{mutant.module.removeprefix('lfci_gate.')}:{mutant.function}"
    return next(rule for prefix, rule in _OF if name.startswith(prefix))
