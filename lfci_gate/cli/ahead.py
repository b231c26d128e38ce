"""What a verb will ask git, asked before the modules that need the answers are imported.

Looking at a working copy takes git about as long as importing takes Python, so a known `lfci check`
lets them do it beside each other. Nothing is decided here: an answer that is not asked for after all
is thrown away, and a question that was not asked ahead is asked when it comes up.
"""

from __future__ import annotations

from collections.abc import Sequence

from lfci_gate.errors import LfciError
from lfci_gate.git.process import Git

_OTHER_SUBJECTS = ("--rev", "--worktree", "--staged")


def ask_ahead(git: Git, words: Sequence[str]) -> None:
    """Starts what `lfci check` will ask. Arguments: ``words`` are those behind the verb."""
    git.settings_ahead()
    from lfci_gate.git.look import inert, look_ahead
    from lfci_gate.git.refs import head_ahead, refs_ahead

    head_ahead(git)
    try:
        still = inert(git)
    except LfciError:
        return  # no repository here; whoever asks next says so
    if not any(word.startswith(_OTHER_SUBJECTS) for word in words):
        look_ahead(still)
    from lfci_gate.clone.evidence import EVIDENCE

    if git.config("remote.origin.url") is not None:
        refs_ahead(git, "refs/remotes/origin", links=True)
    refs_ahead(git, *EVIDENCE)
