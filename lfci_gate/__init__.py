"""lfci-gate: local-first CI for git and hif.

The words used everywhere are defined in :mod:`lfci_gate.model`; the way of the data is
described in docs/architecture.md.
"""

__version__ = "0.1.0"
