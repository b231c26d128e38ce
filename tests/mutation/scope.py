"""What is mutated, and by which tests it is tried."""

from __future__ import annotations

MODULES = (
    *(
        f"lfci_gate.gate.{name}"
        for name in (
            *("rules", "judge", "authority", "refnames", "inbox", "evidence", "strength", "protect"),
            *("against_base", "bypass", "findings", "objects"),
            *("base_tests", "test_changes", "renames", "dependencies", "results", "weaker"),
        )
    ),
    *(
        f"lfci_gate.attest.{name}"
        for name in (
            *("dsse", "encoding", "bundle", "statement", "shape", "check_run", "landing", "verification"),
            *("bypass", "consistency", "results", "trailer", "keys", "points"),
        )
    ),
    *(
        f"lfci_gate.config.{name}"
        for name in ("toml", "values", "project", "policy", "policy_text", "weakening")
    ),
    *(
        f"lfci_gate.git.{name}"
        for name in (
            *("tree", "tree_format", "check_tree", "check_entries", "check_names", "check_links"),
            *("check_special", "inputs", "notes", "commit", "trailers", "results", "inbox", "names"),
        )
    ),
    *(f"lfci_gate.{name}" for name in ("patterns", "canonical", "fields", "grammar")),
)
"""The code that decides: bytes in, verdict out. Modules that do IO are tried by the tests over real
transports and are not part of this."""

TESTS = (
    *(f"tests/attest/test_{name}.py" for name in ("bundle", "dsse", "encoding", "golden", "keys", "results")),
    *("tests/attest/test_statement.py", "tests/attest/test_trailer.py"),
    *(f"tests/config/test_{name}.py" for name in ("policy", "project", "toml", "weakening")),
    *("tests/gate/test_rules_01_to_03.py", "tests/gate/test_rules_04_to_12.py"),
    *("tests/gate/test_rule_13.py", "tests/gate/test_rule_14.py", "tests/gate/test_rule_16.py"),
    "tests/gate/test_changed_bytes.py",
    *(f"tests/gate/test_{name}.py" for name in ("rule_14_dependencies", "renames", "test_changes", "weaker")),
    *(f"tests/git/test_check_{name}.py" for name in ("links", "names", "special", "tree")),
    *(f"tests/git/test_{name}.py" for name in ("commit", "inbox", "inputs", "names", "notes", "trailers")),
    "tests/git/test_tree.py",
    *("tests/test_patterns.py", "tests/test_canonical.py", "tests/test_grammar.py"),
)
