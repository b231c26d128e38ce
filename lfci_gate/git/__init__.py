"""Everything that speaks git: object reading and writing, refs, trees, notes, the working copy.

``process`` is the only module of the package that starts git. The modules that read objects
take an :class:`lfci_gate.model.ObjectSource` and are pure over it.
"""
