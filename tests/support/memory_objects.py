"""An object source in memory, for objects that no git would write, and for counting reads."""

from __future__ import annotations

from lfci_gate.errors import Refusal, Undecided
from lfci_gate.git.names import empty_tree, oid_of
from lfci_gate.git.tree import GITLINK, TREE, TreeEntry, format_tree
from lfci_gate.model import GitObject, ObjectId


class MemoryObjects:
    """Keeps what is added; ``reads`` names every object that was read, in order."""

    def __init__(self, hash_name: str = "sha1") -> None:
        self.hash_name = hash_name
        self.objects: dict[ObjectId, GitObject] = {}
        self.reads: list[ObjectId] = []

    def add(self, kind: str, data: bytes) -> ObjectId:
        oid = oid_of(kind, data, self.hash_name)
        self.objects[oid] = GitObject(kind, data)
        return oid

    def read(self, oid: ObjectId, *, limit: int = 2**26) -> GitObject:
        self.reads.append(oid)
        if oid not in self.objects:
            raise Undecided("LFCI501", f"{oid} is missing")
        if len(self.objects[oid].data) > limit:
            raise Refusal("LFCI412", f"{oid} is larger than {limit} bytes")
        return self.objects[oid]

    def stat(self, oid: ObjectId) -> tuple[str, int]:
        if oid not in self.objects:
            raise Undecided("LFCI501", f"{oid} is missing")
        kind, data = self.objects[oid]
        return kind, len(data)

    def blob(self, data: bytes = b"") -> ObjectId:
        return self.add("blob", data)

    def tree(self, *entries: tuple[int, bytes, ObjectId]) -> ObjectId:
        return self.add("tree", format_tree(TreeEntry(*entry) for entry in entries))

    def files(self, files: dict[bytes, tuple[int, bytes]]) -> ObjectId:
        """A tree of trees from path -> (mode, contents); of a gitlink the contents are its hex."""
        nested: dict[bytes, dict[bytes, tuple[int, bytes]]] = {}
        entries: list[tuple[int, bytes, ObjectId]] = []
        for path, (mode, data) in files.items():
            first, slash, rest = path.partition(b"/")
            if slash:
                nested.setdefault(first, {})[rest] = (mode, data)
            else:
                entries.append((mode, first, ObjectId(data.decode()) if mode == GITLINK else self.blob(data)))
        entries += [(TREE, name, self.files(below)) for name, below in nested.items()]
        return self.tree(*entries) if entries else empty_tree(self.hash_name)
