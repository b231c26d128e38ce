"""Repositories of both hash functions as fixtures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repos import Repo, make_repo


@pytest.fixture(params=["sha1", "sha256"])
def hash_name(request: pytest.FixtureRequest) -> str:
    """Both hash functions of git, one test each."""
    return str(request.param)


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """An empty sha1 repository with a working copy."""
    return make_repo(tmp_path / "repo")


@pytest.fixture
def any_repo(tmp_path: Path, hash_name: str) -> Repo:
    """An empty repository with a working copy, of each hash function."""
    return make_repo(tmp_path / "repo", hash_name)


@pytest.fixture
def bare_repo(tmp_path: Path, hash_name: str) -> Repo:
    """An empty bare repository, of each hash function."""
    return make_repo(tmp_path / "bare.git", hash_name, bare=True)
