"""The offline world and a project for each test (tests/support/world_fixtures.py)."""

from __future__ import annotations

from tests.support.world_fixtures import make_project, project, work, world

__all__ = ["make_project", "project", "work", "world"]
