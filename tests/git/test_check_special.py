"""Rule 5: what .gitmodules and .gitattributes may say, beside git's own judgement."""

from __future__ import annotations

import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.git.check_special import attributes_problem, modules_problem
from tests.support.repos import Repo

ORDINARY = b"""\
# vendored
[submodule "lib/zlib"]
\tpath = lib/zlib
\turl = https://github.com/madler/zlib.git
\tbranch = develop
[submodule "other"]
\tpath = other dir
\turl = ../other.git
\tupdate = rebase
\tshallow
[submodule "ssh"]
\tpath = ssh
\turl = git@example.org:group/ssh.git
"""


def module(name: bytes = b"x", **settings: bytes) -> bytes:
    lines = [b"\t%s = %s\n" % (key.encode(), value) for key, value in settings.items()]
    return b'[submodule "%s"]\n' % name + b"".join(lines)


HOSTILE = {
    "name climbs": module(b"../../evil"),
    "name climbs behind a name": module(b"a/../../evil"),
    "name climbs with backslashes": module(b"..\\\\evil"),
    "path is an option": module(path=b"-u./payload"),
    "path is a quoted option": module(path=b'"-u./payload"'),
    "url is an option": module(url=b"-u./payload"),
    "url is a quoted option": module(url=b'"-u./payload"'),
    "update runs a command": module(update=b"!touch /tmp/x"),
    "update runs a quoted command": module(update=b'"!touch /tmp/x"'),
    "relative url with a newline": module(url=b"../x%0ahost=evil"),
    "https url with a newline": module(url=b"https://example.org/%0aevil"),
    "git url with a newline": module(url=b"git://example.org/%0aevil"),
    "url climbs above its host": module(url=b"../../../:evil/x"),
    "url climbs to an empty host": module(url=b".././..//evil/x"),
    "url without a host": module(url=b"https:///evil.example.org/x"),
    "url with a double scheme without a host": module(url=b"http::http:///x"),
    "name is empty": module(b""),
    "url that climbs in its path": module(url=b"https://example.com/../x"),
    "url that ends in climbing": module(url=b"https://example.com/x/.."),
}

NOT_PLAIN = {
    "setting behind a header": b'[submodule "x"] path = -evil\n',
    "dotted section": b"[submodule.x]\n\tpath = x\n",
    "escaped name": b'[submodule "a\\"b"]\n',
    "continued line": module(path=b"x\\\n-y"),
    "continued line of another setting": module(branch=b"x\\\n\tother = y"),
    "escape in a path": module(path=b"a\\tb"),
    "escape in a url": module(url=b"a\\tb"),
    "escape in an update": module(update=b"a\\tb"),
    "hostile behind a harmless setting": module(branch=b"x", path=b"-x"),
    "hostile in the second section": module() + module(b"y", path=b"-x"),
    "setting without a section": b"path = x\n",
    "setting without a name": module() + b"\t= x\n",
    "two words in a section": module() + b"\tpath x\n",
    "NUL": b'[submodule "x\0"]\n',
    "garbage": b"\xff\xfe\n",
}


def test_an_ordinary_file_is_accepted() -> None:
    assert modules_problem(ORDINARY) is None
    assert modules_problem(b"") is None
    assert modules_problem(ORDINARY.replace(b"\n", b"\r\n")) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"; a comment\n \t\n# another\n", id="comments"),
        pytest.param(b"\xef\xbb\xbf" + module(path=b"x"), id="byte order mark"),
        pytest.param(b"[submodule]\n\tfetchJobs = 4\n", id="section without a name"),
        pytest.param(b'[other ".."]\n\tx\n', id="a climbing name of no submodule"),
        pytest.param(module(b"a..b"), id="dots inside a name"),
        pytest.param(module(branch=b"-x"), id="a branch like an option"),
        pytest.param(module(branch=b"!x"), id="a branch like a command"),
        pytest.param(module(branch=b"a\\tb"), id="an escape where it does not matter"),
        pytest.param(module(branch=b"a\\t"), id="an escape at the end, which does not go on"),
        pytest.param(module(branch=b'"a"'), id="quotes where they do not matter"),
        pytest.param(module(branch=b"https:///x"), id="a branch like a url"),
        pytest.param(module(url=b"./:x"), id="a url that does not climb"),
        pytest.param(module(url=b"../../x"), id="a url that climbs to a name"),
        pytest.param(module(url=b"https://example.com/a..b"), id="dots inside a url"),
    ],
)
def test_a_plain_and_harmless_gitmodules_is_accepted(data: bytes) -> None:
    assert modules_problem(data) is None


@pytest.mark.parametrize("what", [*HOSTILE, *NOT_PLAIN])
def test_rule_05_a_hostile_or_unclear_gitmodules_is_refused(what: str) -> None:
    assert modules_problem((HOSTILE | NOT_PLAIN)[what]) is not None


def test_rule_05_whatever_git_fsck_calls_an_error_in_gitmodules_is_refused(repo: Repo) -> None:
    blobs = {}
    for data in [*HOSTILE.values(), *NOT_PLAIN.values(), ORDINARY]:
        oid = repo.git("hash-object", "-w", "--stdin", input=data).strip()
        blobs[oid] = data
        repo.git("mktree", input=b"100644 blob " + oid + b"\t.gitmodules\n")
    done = subprocess.run(["git", "fsck"], cwd=repo.path, capture_output=True, check=False)
    errors = re.findall(rb"^error in blob (\w+):", done.stderr, re.MULTILINE)
    assert len(errors) >= 12
    assert [blobs[oid] for oid in errors if modules_problem(blobs[oid]) is None] == []
    assert all(blobs[oid] != ORDINARY for oid in errors)


pieces = st.sampled_from((b"[submodule ", b'"x"]', b"\n", b"url=", b"\\", b"..", b"-", b"http://"))


@given(st.binary(max_size=80) | st.lists(pieces).map(b"".join))
def test_any_bytes_get_an_answer(data: bytes) -> None:
    assert isinstance(modules_problem(data), str | None)
    assert isinstance(attributes_problem(data), str | None)


def test_rule_05_long_attribute_lines_are_refused_as_git_fsck_does() -> None:
    assert attributes_problem(b"* text\n" + b"x" * 2047 + b"\n") is None
    assert attributes_problem(b"* text\n" + b"x" * 2048 + b"\n") is not None
