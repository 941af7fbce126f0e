"""A disk that remembers every step, and what would be left of it if the power went after any of them."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

Tree = dict[str, bytes | None]
"""What lies in a folder, by path relative to it; None for a folder."""
STEPS = ("replace", "rename", "unlink", "mkdir", "rmdir", "fsync")


def tree_of(root: Path) -> Tree:
    """All files and folders below a folder."""
    return {
        path.relative_to(root).as_posix(): None if path.is_dir() else path.read_bytes()
        for path in sorted(root.rglob("*"))
    }


def plant(root: Path, tree: Tree) -> Path:
    """Make a folder hold a tree."""
    root.mkdir(parents=True)
    for name in sorted(tree):
        content = tree[name]
        if content is None:
            (root / name).mkdir(parents=True, exist_ok=True)
        else:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
    return root


class Disk:
    """Watches a folder.

    Attributes:
        applied: the folder before the first step and after each one, if each took effect at once.
        durable: the same if only that is left which was forced to the disk: a file's content by an fsync of the file,
            a name by one of its folder. No real disk forgets more.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: list[int] = []  # open files, so that no number of one is given to another
        self._content: dict[int, bytes] = {}
        self._names: dict[int, dict[str, int]] = {}
        self._folders: set[int] = set()
        for path in (root, *root.rglob("*")):
            self._force(path)
        self.applied: list[Tree] = []
        self.durable: list[Tree] = []
        self.note()

    def _force(self, path: Path) -> None:
        facts = path.lstat()
        if stat.S_ISDIR(facts.st_mode):
            self._folders.add(facts.st_ino)
            self._names[facts.st_ino] = {each.name: each.lstat().st_ino for each in path.iterdir()}
            self._folders |= {each.lstat().st_ino for each in path.iterdir() if each.is_dir()}
        else:
            self._content[facts.st_ino] = path.read_bytes()

    def forced(self, handle: int) -> None:
        """An fsync of an open file or folder."""
        number = os.fstat(handle).st_ino
        for path in (self._root, *self._root.rglob("*")):
            if path.lstat().st_ino == number:
                self._force(path)

    def hold(self, path: Any) -> None:
        """Keep the number of a file that is about to go from being used again."""
        if isinstance(path, str | Path):
            with contextlib.suppress(OSError):
                self._kept.append(os.open(path, os.O_RDONLY))

    def note(self) -> None:
        """Remember how things stand."""
        self.applied.append(tree_of(self._root))
        left: Tree = {}
        self._left(self._root.stat().st_ino, "", left)
        self.durable.append(left)

    def _left(self, number: int, name: str, left: Tree) -> None:
        for each, inner in self._names.get(number, {}).items():
            path = f"{name}{each}"
            if inner in self._folders:
                left[path] = None
                self._left(inner, f"{path}/", left)
            else:
                left[path] = self._content.get(inner, b"")

    def close(self) -> None:
        """Let the files go."""
        for handle in self._kept:
            os.close(handle)


@contextmanager
def watched(root: Path, fails: Callable[[int], BaseException | None] = lambda _: None) -> Iterator[Disk]:
    """Watch every step below a folder.

    Args:
        root: the folder.
        fails: what step number n raises instead of being done, if anything.
    """
    disk, count = Disk(root), 0
    with pytest.MonkeyPatch.context() as patch:
        for name in STEPS:
            original = getattr(os, name)

            def step(
                *words: Any, _name: str = name, _original: Callable[..., Any] = original, **more: Any
            ) -> Any:
                nonlocal count
                count += 1
                fault = fails(count)
                if fault is not None:
                    raise fault
                if _name == "fsync":  # the test need not wait for a real one
                    result = None
                    disk.forced(*words)
                else:
                    for word in words:
                        disk.hold(word)
                    result = _original(*words, **more)
                disk.note()
                return result

            patch.setattr(os, name, step)
        try:
            yield disk
        finally:
            disk.close()
