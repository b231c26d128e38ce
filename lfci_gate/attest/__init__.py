"""Evidence: keys, signatures, DSSE envelopes, Sigstore bundles, in-toto statements, results.

Bytes in, values out. Evidence is only ever read in one order: bundle, then the signature by
keys of the policy (:func:`lfci_gate.attest.dsse.signed_by`), then the statement in those same
bytes (:func:`lfci_gate.attest.statement.parse_statement`).
"""
