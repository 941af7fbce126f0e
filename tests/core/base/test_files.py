"""Files appear whole or not at all, follow no link, and keep who may read them."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from spinect_core.base import files
from spinect_core.base.errors import OutputError
from spinect_core.base.files import NotPlain, facts_beside, read_beside, read_bounded, whole_file, write_whole

POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions and links of POSIX")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_are_made_and_the_old_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "größe 脊椎" / "sub" / ("n" * 250 + ".json")
    for data in (b"old", b"newer and longer", b""):
        write_whole(path, data)
        assert path.read_bytes() == data
        assert list(path.parent.iterdir()) == [path]


def test_nothing_stands_under_the_name_before_all_is_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_whole(path, b"old")
    with whole_file(path) as stream:
        stream.write(b"half")
        stream.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"half"


@pytest.mark.parametrize("fault", [ValueError("no number"), KeyboardInterrupt()])
def test_an_error_in_between_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, fault: BaseException
) -> None:
    path = tmp_path / "plan.json"
    write_whole(path, b"old")
    with pytest.raises(type(fault)), whole_file(path) as stream:  # noqa: PT012 - the fault comes between
        stream.write(b"half")
        raise fault
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "plan.json"
    write_whole(path, b"old")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    if step != "write":
        monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), full)
    with (  # noqa: PT012 - the disk may refuse at any of them
        pytest.raises(
            OutputError, match=r"plan\.json: It is not kept \(No space left on device\)\. Make room"
        ) as caught,
        whole_file(path, fault="It is not kept", remedy="Make room", parameter="cache") as stream,
    ):
        stream.write(b"half")
        if step == "write":
            full()
    assert caught.value.parameter == "cache"
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_process_that_is_killed_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    write_whole(path, b"old")
    code = (
        "import os, sys\n"
        "from spinect_core.base.files import whole_file\n"
        "with whole_file(sys.argv[1]) as stream:\n"
        "    stream.write(bytes(1 << 20)); stream.flush(); print('half', flush=True); os.abort()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, check=False, timeout=60
    )
    assert done.stdout.strip() == b"half"
    assert done.returncode != 0
    assert path.read_bytes() == b"old"


def test_file_and_folder_are_on_the_disk_before_and_after_the_move(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def noting_fsync(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        fsync(handle)

    def noting_replace(self: Path, target: Path) -> Path:
        done.append("move")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", noting_fsync)
    monkeypatch.setattr(Path, "replace", noting_replace)
    write_whole(tmp_path / "plan.json", b"new")
    assert done == ["file", "move", *(["folder"] if hasattr(os, "O_DIRECTORY") else [])]


@POSIX
def test_a_link_is_replaced_and_what_it_points_to_is_not_touched(tmp_path: Path) -> None:
    victim, path = tmp_path / "victim", tmp_path / "plan.json"
    victim.write_bytes(b"precious")
    path.symlink_to(victim)
    write_whole(path, b"new")
    assert victim.read_bytes() == b"precious"
    assert not path.is_symlink()
    assert path.read_bytes() == b"new"


@POSIX
@pytest.mark.parametrize("planted", ["link", "dangling link", "file"])
def test_what_lies_under_the_temporary_name_is_neither_followed_nor_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    victim, there = tmp_path / "victim", tmp_path / "guessed"
    if planted == "file":
        there.write_bytes(b"precious")
    else:
        there.symlink_to(victim)
    if planted == "link":
        victim.write_bytes(b"precious")
    monkeypatch.setattr(files, "part_name", lambda: "guessed")
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "plan.json", b"new")
    assert not (tmp_path / "plan.json").exists()
    assert os.path.lexists(there)
    assert victim.exists() == (planted == "link")
    assert planted == "dangling link" or there.read_bytes() == b"precious"


def test_the_temporary_name_is_another_every_time(tmp_path: Path) -> None:
    names = set()
    for _ in range(20):
        with whole_file(tmp_path / "plan.json"):
            names |= {path.name for path in tmp_path.iterdir() if path.name != "plan.json"}
    assert len(names) == 20
    assert all(len(name) >= 32 for name in names)


@POSIX
def test_a_new_file_obeys_the_umask_and_a_replaced_one_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    before = os.umask(0o027)
    try:
        write_whole(path, b"new")
        assert mode_of(path) == 0o640
        for mode in (0o600, 0o664):
            path.chmod(mode)
            write_whole(path, b"newer")
            assert mode_of(path) == mode
        # A link says nothing about who may read what replaces it.
        link = tmp_path / "link.json"
        link.symlink_to(path)
        write_whole(link, b"new")
        assert mode_of(link) == 0o640
    finally:
        os.umask(before)


def test_a_file_in_place_of_the_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(OutputError, match=r"plan\.json: The file cannot be written"):
        write_whole(tmp_path / "file" / "plan.json", b"new")
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path, b"new")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_what_is_read_is_a_plain_file_of_bounded_size(tmp_path: Path) -> None:
    (tmp_path / "views").mkdir()
    (tmp_path / "views" / "a.png").write_bytes(b"12345")
    assert read_bounded(tmp_path / "views" / "a.png", 5) == b"12345"
    assert read_beside(tmp_path, "views/a.png", 5) == b"12345"
    assert facts_beside(tmp_path, "views/a.png", 5) == (
        5,
        "5994471abb01112afcc18159f6cc74b4f511b99806da59b3caf5a9c173cacfc5",
    )
    for read in (read_beside, facts_beside):
        with pytest.raises(NotPlain, match="larger"):
            read(tmp_path, "views/a.png", 4)
        with pytest.raises(NotPlain, match="a folder"):
            read(tmp_path, "views", 5)
    with pytest.raises(NotPlain, match="larger"):
        read_bounded(tmp_path / "views" / "a.png", 4)
    with pytest.raises(OSError):  # noqa: PT011 - what the system says of it
        read_beside(tmp_path, "views/a.png/b", 5)
    with pytest.raises(FileNotFoundError):
        read_beside(tmp_path, "views/b.png", 5)


@POSIX
def test_neither_links_nor_pipes_nor_devices_are_read(tmp_path: Path) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "id").write_bytes(b"secret")
    folder = tmp_path / "folder"
    (folder / "v").mkdir(parents=True)
    (folder / "link").symlink_to(keys / "id")
    (folder / "linked").symlink_to(keys)
    (folder / "v" / "v").symlink_to(keys)
    os.link(keys / "id", folder / "second name")
    os.mkfifo(folder / "pipe")
    for name in ("link", "linked/id", "v/v/id", "second name", "pipe"):
        with pytest.raises(NotPlain):
            read_beside(folder, name, 1000)
    for path in (folder / "pipe", Path("/dev/zero"), folder):
        with pytest.raises(NotPlain):
            read_bounded(path, 1000)
    assert read_bounded(folder / "link", 1000) == b"secret"  # a file that the user chose himself


def test_folders_on_the_way_outlast_a_power_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    write_whole(tmp_path / "a" / "b" / "plan.json", b"x")
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]


def test_a_folder_whose_path_leaves_no_room_for_files_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["folder"] * 500)
    with pytest.raises(OSError, match="long"):
        files.make_folder(deep)
    assert not list(tmp_path.iterdir())


def test_what_was_made_on_the_way_goes_when_a_folder_cannot_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = Path.mkdir

    def full(folder: Path, *args: int, **kwargs: bool) -> None:
        if folder.name == "three":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        make(folder, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="space"):
        files.make_folder(tmp_path / "one" / "two" / "three")
    assert not list(tmp_path.iterdir())


def test_a_pipe_is_neither_a_file_nor_a_folder(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no pipes in folders here")
    os.mkfifo(tmp_path / "pipe")
    assert not files.is_there(tmp_path / "pipe")
    assert files.is_there(tmp_path)
