"""What is mutated, what is not and why, and by which tests it is tried."""

from __future__ import annotations

_DECIDING = {
    "gate": (
        *("rules", "judge", "authority", "standing", "strength", "binding", "assurance", "bypass", "protect"),
        *("against_base", "evidence", "inbox", "refnames", "pusher", "apart", "cover", "bases", "objects"),
        *("findings", "base_tests", "test_changes", "renames", "dependencies", "results", "weaker"),
        "quarantine",
    ),
    "attest": (
        *("dsse", "encoding", "bundle", "statement", "shape", "check_run", "landing", "verification"),
        *("bypass", "consistency", "results", "trailer", "keys", "points"),
    ),
    "config": (
        *("toml", "values", "project", "policy", "powers", "satisfiable", "holders", "overlap"),
        *("ref_overlap", "weakening", "policy_text"),
    ),
    "git": (
        *("tree", "tree_format", "check_tree", "check_entries", "check_names", "check_links"),
        *("check_special", "inputs", "notes", "commit", "trailers", "results", "inbox", "names"),
    ),
}

ROOMS = tuple(_DECIDING)
"""Of these every module is either mutated or left out with a reason."""

MODULES = (
    *(f"lfci_gate.{room}.{name}" for room, names in _DECIDING.items() for name in names),
    *(f"lfci_gate.{name}" for name in ("patterns", "canonical", "fields", "grammar")),
)
"""The code that decides: bytes in, verdict out."""

_NOTHING = "nothing is decided in it: declarations or a docstring"
_HOOK = "IO around the rules: hook, journal, refs and records, tried with real repositories and transports"
_WORDS = "words about a policy or a verdict for people; the decision is made elsewhere"
_DRAFT = "proposes a first configuration to somebody who reads it; no verdict comes from it"
_EDIT = "writes a policy that is parsed, compared and approved like any other"
_SECRET = "signing on the client: whatever comes out of it is verified by the gate"
_ASKS = "starts git or reads the disk: tried with real git, and second opinions on what it reads"
_WRITES = "writes objects or files, or looks at a working copy; a gate judges what was pushed"
_MACHINE = "configures the machine that runs checks, whose evidence the gate judges like any other"

LEFT_OUT = {
    f"lfci_gate.{room}.{name}": why
    for why, room, names in (
        (_NOTHING, "gate", "__init__ facts"),
        (_NOTHING, "attest", "__init__"),
        (_NOTHING, "config", "__init__"),
        (_NOTHING, "git", "__init__"),
        (
            _HOOK,
            "gate",
            "fold forge install landed memory receive recording records recover state view watch",
        ),
        (_WORDS, "gate", "bypasses render who_may"),
        (_SECRET, "attest", "agent private signers"),
        (_DRAFT, "config", "candidates detect detect_entry detect_js detect_langs detect_tasks known_tests"),
        (_DRAFT, "config", "make_text scaffold shelltext tree_view"),
        (_WORDS, "config", "meaning policy_diff policy_diff_parts policy_diff_rules policy_warnings"),
        (_WORDS, "config", "policy_words"),
        (_EDIT, "config", "policy_edit policy_edit_rules toml_blocks toml_edit toml_values"),
        (_MACHINE, "config", "machine runner"),
        (_ASKS, "git", "catfile child environment history objects process refs"),
        (_WRITES, "git", "convert edit export look quick status worktree writer"),
    )
    for name in names.split()
}
"""Modules of these rooms that are not mutated, each with the reason."""

TESTS = (
    *(f"tests/attest/test_{name}.py" for name in ("bundle", "dsse", "encoding", "golden", "keys", "results")),
    *("tests/attest/test_shape.py", "tests/attest/test_statement.py", "tests/attest/test_trailer.py"),
    *(f"tests/config/test_{name}.py" for name in ("bounds", "policy", "project", "toml", "weakening")),
    *(f"tests/config/test_{name}.py" for name in ("holders", "meaning", "ref_overlap", "satisfiable")),
    *(f"tests/config/test_policy_{name}.py" for name in ("diff", "warnings", "edit")),
    *("tests/gate/test_rules_01_to_03.py", "tests/gate/test_rules_04_to_12.py"),
    *("tests/gate/test_rule_13.py", "tests/gate/test_rule_14.py", "tests/gate/test_rule_16.py"),
    *(f"tests/gate/test_{name}.py" for name in ("rule_14_dependencies", "renames", "test_changes", "weaker")),
    *(f"tests/gate/test_{name}.py" for name in ("assurance", "identities", "nix_floor", "pusher")),
    *(f"tests/gate/test_{name}.py" for name in ("standing", "who_may", "apart")),
    *(
        f"tests/gate/test_{name}.py"
        for name in ("one_signature_one_key", "changed_bytes", "new_refs", "quarantine")
    ),
    *(f"tests/git/test_check_{name}.py" for name in ("links", "names", "special", "tree")),
    *(
        f"tests/git/test_{name}.py"
        for name in ("commit", "inbox", "inputs", "names", "notes", "trailers", "results")
    ),
    "tests/git/test_tree.py",
    *("tests/test_patterns.py", "tests/test_canonical.py", "tests/test_grammar.py"),
    "tests/properties/test_found.py",
)
"""The tests that judge in process, where a mutant is: a hook over a transport would not have it."""
