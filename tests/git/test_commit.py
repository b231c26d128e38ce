"""Commits and tags have one reading, or none."""

from __future__ import annotations

import random
import re
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lfci_gate.git.commit import Commit, Identity, format_commit, parse_commit, parse_tag
from lfci_gate.git.objects import BatchReader
from lfci_gate.model import ObjectId
from tests.support.outcomes import code_of
from tests.support.repos import Repo

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
PERSON = b"Ada Author <ada@example.org> 1767268800 +0100"
GOOD = b"tree %s\nauthor %s\ncommitter %s\n\nsubject\n\nbody\n" % (TREE.encode(), PERSON, PERSON)
PARENT = b"parent " + b"1" * 40 + b"\n"
TAG = b"object %s\ntype commit\ntag v1\ntagger %s\n\nrelease\n" % (b"1" * 40, PERSON)


def headers(*lines: bytes) -> bytes:
    return b"\n".join(lines) + b"\n\nmessage\n"


def test_every_commit_that_git_makes_is_read_and_written_back(any_repo: Repo) -> None:
    any_repo.commit("root")
    any_repo.git("checkout", "-q", "-b", "side")
    any_repo.write("side")
    any_repo.commit("side\n\nwith a body\n\nSigned-off-by: A <a@b>")
    any_repo.git("checkout", "-q", "main")
    any_repo.write("main")
    any_repo.commit("main")
    any_repo.git("merge", "-q", "--no-ff", "-m", "merge", "side")
    any_repo.git("-c", "i18n.commitEncoding=latin-1", "commit", "-q", "--allow-empty", "-m", "Gr\xfc\xdfe")
    any_repo.git("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    with BatchReader(any_repo.tool) as source:
        for line in any_repo.git("rev-list", "HEAD").decode().split():
            data = source.read(ObjectId(line)).data
            commit = parse_commit(data, any_repo.hash_name)
            assert format_commit(commit) == data
            shown = any_repo.line("log", "-1", "--format=%T %P|%an|%ae|%at|%cn", line).split("|")
            assert shown[0].split() == [commit.tree, *commit.parents]
            author = commit.author
            assert shown[1:4] == [author.name.decode(), author.email.decode(), str(author.seconds)]
            assert shown[4] == commit.committer.name.decode()


def test_an_annotated_tag_of_git_is_read(any_repo: Repo) -> None:
    head = any_repo.commit()
    any_repo.git("tag", "-a", "-m", "one", "v1.0")
    with BatchReader(any_repo.tool) as source:
        tag = parse_tag(source.read(ObjectId(any_repo.line("rev-parse", "v1.0"))).data, any_repo.hash_name)
    assert (tag.target, tag.kind, tag.name, tag.message) == (head, "commit", b"v1.0", b"one\n")
    assert tag.tagger == Identity(b"Carl Committer", b"carl@example.org", 1767268800, b"+0000")


def test_signatures_and_other_headers_are_kept() -> None:
    signed = GOOD.replace(
        b"\n\nsubject", b"\nencoding UTF-8\ngpgsig -----BEGIN\n \n abc\n -----END\n\nsubject", 1
    )
    commit = parse_commit(signed, "sha1")
    assert commit.extra == ((b"encoding", b"UTF-8"), (b"gpgsig", b"-----BEGIN\n\nabc\n-----END"))
    assert format_commit(commit) == signed
    merge = GOOD.replace(b"\n\nsubject", b"\nmergetag object 1\n x\nmergetag object 2\n\nsubject", 1)
    assert len(parse_commit(merge, "sha1").extra) == 2


def test_a_commit_without_a_message_is_one() -> None:
    assert parse_commit(GOOD.partition(b"\n\n")[0] + b"\n", "sha1").message == b""


T, A, C = b"tree " + TREE.encode(), b"author " + PERSON, b"committer " + PERSON


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(GOOD.partition(b"\n\n")[0], id="header not ended"),
        pytest.param(b"\n".join((T, A, C, b"encoding UTF-8")), id="last header not ended"),
        pytest.param(headers(A, C), id="no tree"),
        pytest.param(headers(T, T, A, C), id="two trees"),
        pytest.param(headers(T, A, C, T), id="second tree behind"),
        pytest.param(headers(T, A, C, b"Tree " + TREE.encode()), id="second tree in other case"),
        pytest.param(headers(A, T, C), id="tree not first"),
        pytest.param(headers(T, C), id="no author"),
        pytest.param(headers(T, A), id="no committer"),
        pytest.param(headers(T, A, A, C), id="two authors"),
        pytest.param(headers(T, A, C, C), id="two committers"),
        pytest.param(headers(T, C, A), id="committer before author"),
        pytest.param(headers(T, A, PARENT.strip(), C), id="parent behind the author"),
        pytest.param(headers(T, PARENT.strip(), PARENT.strip(), A, C), id="a parent twice"),
        pytest.param(headers(T, b"parent 123", A, C), id="parent is no name"),
        pytest.param(headers(T.upper(), A, C), id="tree in upper case"),
        pytest.param(headers(T + b" ", A, C), id="space behind the tree"),
        pytest.param(headers(b"tree " + b"1" * 64, A, C), id="name of the other hash"),
        pytest.param(headers(T, A, C, b" continued"), id="continuation of the committer"),
        pytest.param(headers(T, A, C, b"encoding a", b"encoding b"), id="encoding twice"),
        pytest.param(headers(T, A, C, b"gpgsig a", b"gpgsig b"), id="signature twice"),
        pytest.param(headers(T, A, C, b"nokey"), id="header without a value"),
        pytest.param(GOOD + b"\0hidden", id="NUL in the message"),
        pytest.param(headers(T, A, C, b"x a\0b"), id="NUL in a header"),
        pytest.param(headers(T, A.replace(b"<", b""), C), id="no e-mail"),
        pytest.param(headers(T, A.replace(b"> ", b">"), C), id="no space before the date"),
        pytest.param(headers(T, A.replace(b" <", b"<"), C), id="no space before the e-mail"),
        pytest.param(headers(T, b"author <a@b> 1 +0000", C), id="no name at all"),
        pytest.param(headers(T, A.replace(b"176", b"0176"), C), id="zero-padded date"),
        pytest.param(headers(T, A.replace(b"1767268800", b"9" * 20), C), id="date overflows"),
        pytest.param(headers(T, A.replace(b"1767268800", b"-1"), C), id="negative date"),
        pytest.param(headers(T, A.replace(b"+0100", b"0100"), C), id="zone without a sign"),
        pytest.param(headers(T, A + b" x", C), id="text behind the zone"),
        pytest.param(headers(T, A.replace(b"ada@", b"<ada@"), C), id="nested bracket"),
        pytest.param(headers(T, A.replace(b"Ada", b"A>da"), C), id="closing bracket in the name"),
        pytest.param(headers(T, A.replace(b"+0100", b"<100"), C), id="opening bracket in the date"),
        pytest.param(headers(T, A.replace(b"+0100", b"+010>"), C), id="closing bracket in the date"),
        pytest.param(headers(T, A.replace(b">", b""), C), id="e-mail that does not end"),
        pytest.param(headers(T, A.replace(b"1767268800", b"1" * 5000), C), id="date of 5000 digits"),
        pytest.param(headers(T, A.replace(b"1767268800", b"%d" % 2**63), C), id="date one too late"),
        pytest.param(headers(T, A.replace(b"1767268800", b"00"), C), id="date of two zeros"),
        pytest.param(headers(T, A.replace(b"1767268800", b"1_0"), C), id="date with an underscore"),
        pytest.param(headers(T, A.replace(b"1767268800", b""), C), id="no date"),
        pytest.param(headers(T, A.replace(b" +0100", b""), C), id="no zone"),
        pytest.param(headers(T, A.replace(b"+0100", b"+010"), C), id="zone too short"),
        pytest.param(headers(T, A.replace(b"+0100", b"+01000"), C), id="zone too long"),
        pytest.param(headers(T, A.replace(b"+0100", b"+01x0"), C), id="zone that is no number"),
        pytest.param(headers(T, A.replace(b"+0100", b"+x100"), C), id="zone that starts with a letter"),
        pytest.param(headers(T, A.replace(b"+0100", b"00100"), C), id="zone of five digits"),
        pytest.param(headers(T, A.replace(b"> ", b">  "), C), id="two spaces before the date"),
        pytest.param(headers(T, A, C, b"key\tvalue"), id="a tab behind a key"),
    ],
)
def test_rule_04_a_commit_with_more_than_one_reading_is_refused(data: bytes) -> None:
    assert code_of(lambda: parse_commit(data, "sha1")) == "LFCI402"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TAG.replace(b"object", b"Object"), id="no object"),
        pytest.param(TAG.replace(b"type commit", b"type note"), id="no such type"),
        pytest.param(TAG.replace(b"type commit\n", b""), id="no type"),
        pytest.param(TAG.replace(b"tag v1\n", b""), id="no name"),
        pytest.param(TAG.replace(b"tag v1", b"tag "), id="empty name"),
        pytest.param(TAG.replace(b"\n\n", b"\nobject " + b"2" * 40 + b"\n\n"), id="second object"),
        pytest.param(TAG.replace(b"type commit\n", b"type commit\ntype tree\n"), id="second type"),
        pytest.param(TAG.replace(b"release", b"rel\0ease"), id="NUL"),
        pytest.param(TAG.replace(b"<ada", b"ada"), id="tagger without an e-mail"),
    ],
)
def test_rule_04_a_tag_with_more_than_one_reading_is_refused(data: bytes) -> None:
    assert parse_tag(TAG, "sha1").target == "1" * 40
    assert code_of(lambda: parse_tag(data, "sha1")) == "LFCI402"


@pytest.mark.parametrize("seconds", [0, 1, 9, 10, 2**63 - 1])
def test_times_up_to_the_largest_that_git_reads_are_read(seconds: int) -> None:
    data = headers(T, A.replace(b"1767268800", b"%d" % seconds), C)
    assert parse_commit(data, "sha1").author.seconds == seconds


def test_a_header_with_an_empty_value_is_kept() -> None:
    assert parse_commit(headers(T, A, C, b"note "), "sha1").extra == ((b"note", b""),)


def test_further_headers_of_a_tag_are_kept() -> None:
    data = TAG.replace(b"\n\nrelease", b"\ngpgsig a\n b\n\nrelease")
    assert parse_tag(data, "sha1").extra == ((b"gpgsig", b"a\nb"),)


def test_a_tag_without_a_tagger_is_from_long_ago() -> None:
    assert parse_tag(re.sub(rb"tagger.*\n", b"", TAG), "sha1").tagger is None


_text = st.binary(max_size=10).map(lambda text: bytes(set(text) - set(b"\0\n<>")).strip())
_identities = st.builds(
    Identity, _text, _text, st.integers(0, 2**63 - 1), st.sampled_from((b"+0000", b"-0730", b"+1400"))
)
_oids = st.integers(0, 2**160 - 1).map(lambda number: ObjectId(f"{number:040x}"))
_messages = st.binary(max_size=50).map(lambda text: text.replace(b"\0", b""))
_commits = st.builds(
    Commit, _oids, st.lists(_oids, max_size=3, unique=True).map(tuple), _identities, _identities, _messages
)


@given(_commits)
def test_what_is_written_is_read_back(commit: Commit) -> None:
    assert parse_commit(format_commit(commit), "sha1") == commit


_lines = st.sampled_from(
    (T, A, C, PARENT.strip(), b"", b" x", b"gpgsig a", b"\0", b"tag v", b"type tree", b"object")
)


@given(st.binary(max_size=60) | st.lists(_lines | st.binary(max_size=8), max_size=8).map(b"\n".join))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    assert code_of(lambda: parse_commit(data, "sha1")) in (None, "LFCI402")
    assert code_of(lambda: parse_tag(data, "sha1")) in (None, "LFCI402")
    assert code_of(lambda: parse_commit(data, "sha256")) == "LFCI402"


def test_rule_04_every_commit_that_git_fsck_complains_about_is_refused(repo: Repo) -> None:
    rng = random.Random(4)
    tree = repo.git("mktree", input=b"").strip()
    parent = repo.commit().encode()
    pieces = [
        T.replace(TREE.encode(), tree),
        A,
        C,
        b"parent " + parent,
        b"author x <y> 0 +0000",
        b"author x",
        b"x y",
    ]
    place = repo.path.parent / "commits"
    place.mkdir()
    for number in range(250):
        lines = [pieces[0], *([pieces[3]] if rng.random() < 0.5 else []), A, C]
        for _ in range(rng.randint(0, 2)):
            position = rng.randrange(len(lines))
            what = rng.random()
            if what < 0.4:
                del lines[position]
            elif what < 0.7:
                lines.insert(position, rng.choice(pieces))
            else:
                line, at = lines[position], rng.randrange(len(lines[position]))
                lines[position] = line[:at] + rng.choice((b"", b" ", b"<", b"\0")) + line[at + 1 :]
        end = rng.choice((b"\n\nmessage\n", b"\n\nmess\0age", b"\n"))
        (place / str(number)).write_bytes(b"\n".join(lines) + end)
    paths = "\n".join(str(path) for path in place.iterdir()).encode()
    repo.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin-paths", input=paths)
    done = subprocess.run(["git", "fsck"], cwd=repo.path, capture_output=True, check=False)
    blamed = re.findall(r"^(?:error|warning) in commit (\w+):", done.stderr.decode(), re.MULTILINE)
    assert len(set(blamed)) > 50
    with BatchReader(repo.tool) as source:
        objects = [source.read(ObjectId(oid)).data for oid in set(blamed)]
    accepted = [data for data in objects if code_of(lambda data=data: parse_commit(data, "sha1")) is None]
    assert accepted == []
