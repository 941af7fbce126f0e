"""A plan's folder holds one plan, whole, whatever happens; and it takes and gives only what this program wrote."""

import contextlib
import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import pytest
from PIL import Image
from plan_maker import full_document
from power_cuts import Tree, plant, tree_of, watched

from spinect_core.base.errors import OutputError
from spinect_core.base.files import write_whole
from spinect_core.base.scratch import mark_of
from spinect_core.plan import folder as module
from spinect_core.plan.document import Document, naming_only, read_document, write_document
from spinect_core.plan.folder import (
    MANIFEST_FILE,
    READY_FOLDER,
    Manifest,
    are_beside,
    attachments,
    is_ours,
    is_picture,
    put_in_place,
    settle,
    workshop,
)
from spinect_core.plan.plan import read_plan, write_plan

POSIX = pytest.mark.skipif(os.name != "posix", reason="links, pipes and signals of POSIX")
DATES = {"old": "2026-01-01T00:00:00+00:00", "new": "2026-02-02T00:00:00+00:00"}
PICTURES = {
    "old": ("views/from-behind.png", "views/left-lateral.png", "needle-left.png", "angle-map-right.png"),
    "new": ("views/from-behind.png", "views/right-lateral.png", "angle-map-right.png", "angle-map-left.png"),
}
MAPS = {"old": ("angle-map-right.csv",), "new": ("angle-map-right.csv", "angle-map-left.csv")}
USERS: Tree = {"my notes.txt": b"precious", "views/mine.png": b"precious", "views/holiday/a.jpg": b"precious"}


def png(shade: int, size: tuple[int, int] = (3, 2)) -> bytes:
    stream = io.BytesIO()
    Image.new("L", size, shade).save(stream, format="PNG")
    return stream.getvalue()


@lru_cache
def plan_tree(which: str) -> Tree:
    """The files of a plan but its manifest."""
    import tempfile

    shade = len(which + "x" * (which == "old"))
    tree: Tree = {name: png(shade) for name in PICTURES[which]}
    tree |= {name: f"oblique,tilt,area_mm2,\n{which}".encode() for name in MAPS[which]}
    tree |= {name: f"{name} {which}".encode() for name in ("labels.nii.gz", "bone.ply", "nerve.ply")}
    plan = naming_only(full_document().plan.replaced(created=DATES[which]), ())
    with tempfile.TemporaryDirectory() as place:
        write_plan(plan, Path(place) / "plan.json")
        write_document(Document(plan), Path(place) / "plan.spinect")
        tree |= tree_of(Path(place))
    return tree


def make(out: Path, which: str) -> module.Kept:
    with workshop(out) as made:
        for name, content in plan_tree(which).items():
            assert content is not None
            write_whole(made / name, content)
        return put_in_place(made, out)


def which_is_there(out: Path) -> str:
    """Open the plan, as the window does, and see that everything beside it is that plan's."""
    created = read_plan(out / "plan.json").created
    which = next(name for name, date in DATES.items() if date == created)
    manifest = Manifest.of(out)
    assert manifest is not None
    assert set(manifest.files) == set(plan_tree(which))
    assert manifest.changed(out) == []
    assert read_document(out / "plan.spinect").plan.created == created
    there = {name for name, content in tree_of(out).items() if content is not None}
    assert {name for name in there if is_ours(name)} - set(USERS) == {*plan_tree(which), MANIFEST_FILE}
    for name, content in plan_tree(which).items():
        assert (out / name).read_bytes() == content
    return which


def assert_users_files_are_there(out: Path) -> None:
    for name, content in USERS.items():
        assert content is not None
        assert (out / name).read_bytes() == content


# ------------------------------------------------------------------------------------------------------ whole, always


def test_a_new_folder_gets_its_plan_in_one_move(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b"
    assert make(out, "old") == module.Kept()
    assert which_is_there(out) == "old"
    assert make(out, "new") == module.Kept()
    assert which_is_there(out) == "new"
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == ["b"]


def test_a_failure_leaves_no_folder_behind(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), workshop(tmp_path / "a" / "b"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.heavy
@pytest.mark.parametrize("there", [True, False])
def test_a_power_cut_after_any_step_leaves_the_old_plan_or_the_new_one(tmp_path: Path, there: bool) -> None:
    """Each step alone, with all before it done, and with all forgotten that was not forced to the disk."""
    disk_root = tmp_path / "disk"
    disk_root.mkdir()
    if there:
        make(disk_root / "o", "old")
        for name, content in USERS.items():
            assert content is not None
            write_whole(disk_root / "o" / name, content)
    with watched(disk_root) as disk:
        make(disk_root / "o", "new")
    seen = []
    for number, (applied, durable) in enumerate(zip(disk.applied, disk.durable, strict=True)):
        for kind, tree in (("applied", applied), ("durable", durable)):
            out = plant(tmp_path / f"{number}-{kind}", tree) / "o"
            if there or out.is_dir():
                seen.append(which_is_there(out))
                if there:
                    assert_users_files_are_there(out)
                assert not list(out.glob(".spinect-ready*"))
            else:
                seen.append("none")
    assert len(disk.applied) > 40
    assert set(seen) == {"old" if there else "none", "new"}
    # once the new one, never the old one again
    assert seen[0::2] == sorted(seen[0::2], key=["none", "old", "new"].index)
    assert seen[1::2] == sorted(seen[1::2], key=["none", "old", "new"].index)


def test_a_power_cut_while_a_journal_is_completed_is_none_either(tmp_path: Path) -> None:
    begun = unfinished(tmp_path / "first", moves=9)
    root = tmp_path / "disk"
    plant(root / "o", tree_of(begun))
    with watched(root) as disk:
        assert settle(root / "o")
    assert len(disk.applied) > 15
    for number, (applied, durable) in enumerate(zip(disk.applied, disk.durable, strict=True)):
        for kind, tree in (("applied", applied), ("durable", durable)):
            out = plant(tmp_path / f"{number}-{kind}", tree) / "o"
            assert which_is_there(out) == "new"
            assert_users_files_are_there(out)


@pytest.mark.heavy
@pytest.mark.parametrize("fault", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_full_disk_or_a_stop_at_any_step_leaves_one_plan(tmp_path: Path, fault: BaseException) -> None:
    seen = []
    apart = 4 if isinstance(fault, KeyboardInterrupt) else 1
    for step in range(1, 500, apart):
        root = tmp_path / str(step)
        plant(root / "o", USERS)
        make(root / "o", "old")
        fired: list[int] = []

        def fails(number: int, at: int = step, fired: list[int] = fired) -> BaseException | None:
            fired += [number] * (number == at)
            return fault if number == at else None

        with watched(root, fails), contextlib.suppress(OutputError, KeyboardInterrupt):
            make(root / "o", "new")
        seen.append(which_is_there(root / "o"))
        assert_users_files_are_there(root / "o")
        leftovers = [path.name for path in (root / "o").iterdir() if path.name.startswith(".spinect-")]
        assert [name for name in leftovers if not name.endswith(".part")] == [MANIFEST_FILE]
        if not fired:
            break
    assert 40 < apart * len(seen) < 499
    assert set(seen) == {"old", "new"}


def test_saving_a_document_is_whole_after_any_step(tmp_path: Path) -> None:
    root = tmp_path / "disk"
    root.mkdir()
    plan = naming_only(full_document().plan, ())
    write_document(Document(plan.replaced(created=DATES["old"])), root / "case.spinect")
    with watched(root) as disk:
        write_document(Document(plan.replaced(created=DATES["new"])), root / "case.spinect")
    seen = []
    for number, (applied, durable) in enumerate(zip(disk.applied, disk.durable, strict=True)):
        for kind, tree in (("applied", applied), ("durable", durable)):
            place = plant(tmp_path / f"{number}-{kind}", tree)
            seen.append(read_document(place / "case.spinect").plan.created)
    assert seen[0] == DATES["old"]
    assert seen[-2:] == [DATES["new"]] * 2


CHILD = """
import itertools, sys
from pathlib import Path
from spinect_core.base.files import write_whole
from spinect_core.cli.stopping import Stopping
from spinect_core.base.progress import check
from spinect_core.base.errors import Cancelled
from spinect_core.plan.folder import put_in_place, workshop
out, source = Path(sys.argv[1]), Path(sys.argv[2])
with Stopping() as stopping:
    try:
        for number in itertools.count():
            which = source / ("new", "old")[number % 2]
            with workshop(out) as made:
                for path in sorted(each for each in which.rglob("*") if each.is_file()):
                    check(stopping.event)
                    write_whole(made / path.relative_to(which), path.read_bytes())
                put_in_place(made, out)
            print(number, flush=True)
    except Cancelled:
        print("stopped", flush=True)
        sys.exit(130)
"""
MOMENTS = int(os.environ.get("SPINECT_MOMENTS", "15"))
"""How many processes are stopped; more for a longer run."""


@POSIX
@pytest.mark.heavy
def test_a_process_that_is_stopped_at_a_random_moment_leaves_one_plan(tmp_path: Path) -> None:
    for which in DATES:
        plant(tmp_path / "source" / which, plan_tree(which))
    out, rng, seen = tmp_path / "o", random.Random(5), []
    make(out, "old")
    for name, content in USERS.items():
        assert content is not None
        write_whole(out / name, content)
    for number in range(MOMENTS):
        how = (signal.SIGKILL, signal.SIGKILL, signal.SIGHUP, signal.SIGTERM)[number % 4]
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD, str(out), str(tmp_path / "source")], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(rng.uniform(0.0, 0.15))
        child.send_signal(how)
        child.communicate(timeout=30)
        assert child.returncode == (-9 if how == signal.SIGKILL else 130)
        if how != signal.SIGKILL:  # it has cleaned up itself
            assert not [path for path in out.iterdir() if path.name.startswith(".spinect-") and path.is_dir()]
        seen.append(which_is_there(out))
        assert_users_files_are_there(out)
    make(out, "new")
    assert sorted(path.name for path in out.iterdir() if path.name.startswith(".")) == [MANIFEST_FILE]
    assert len(seen) == MOMENTS


# ----------------------------------------------------------------------------------------------------- unfinished work


def unfinished(place: Path, moves: int) -> Path:
    """A folder whose process died while it moved its new plan to its place."""
    out = place / "o"
    plant(out, USERS)
    make(out, "old")
    with pytest.raises(SystemExit), pytest.MonkeyPatch.context() as patch:  # noqa: PT012 - only at a certain move
        replace, done = os.replace, 0

        def dying(*words: Path) -> None:
            nonlocal done
            done += READY_FOLDER in str(words[0])
            if done > moves:
                raise SystemExit
            replace(*words)

        patch.setattr(os, "replace", dying)
        make(out, "new")
    assert (out / READY_FOLDER).is_dir()
    return out


@pytest.mark.parametrize("moves", [0, 1, 5, 10])
def test_whoever_opens_or_plans_next_completes_it(tmp_path: Path, moves: int) -> None:
    out = unfinished(tmp_path, moves)
    assert not (out / "plan.json").exists()  # never an old one beside new labels
    assert which_is_there(out) == "new"
    out = unfinished(tmp_path / "again", moves)
    make(out, "old")
    assert which_is_there(out) == "old"
    assert_users_files_are_there(out)


def test_on_a_disk_that_cannot_be_written_the_new_plan_is_read_where_it_lies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = unfinished(tmp_path, moves=4)
    before = tree_of(out)

    def refuse(*_: object) -> None:
        raise PermissionError(errno.EROFS, "Read-only file system")

    for name in ("replace", "rename", "unlink", "mkdir", "rmdir"):
        monkeypatch.setattr(os, name, refuse)
    assert read_plan(out / "plan.json").created == DATES["new"]
    assert read_document(out / "plan.spinect").plan.created == DATES["new"]
    found, refused = attachments(out, [*PICTURES["new"], *MAPS["new"]])
    assert refused == ()
    assert found == {name: plan_tree("new")[name] for name in (*PICTURES["new"], *MAPS["new"])}
    assert are_beside(out, ["labels.nii.gz", "nothing.png"]) == {"labels.nii.gz"}
    with pytest.raises(OutputError, match="unfinished plan"), workshop(out):
        pass
    assert tree_of(out) == before


def test_a_process_that_lives_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = unfinished(tmp_path, moves=4)
    (journal,) = (out / READY_FOLDER).glob("journal-*.json")
    parent = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        journal.rename(journal.with_name(f"journal-{mark_of(parent.pid)}-{'0' * 16}.json"))
        monkeypatch.setattr(module, "PATIENCE_S", 0.2)
        before = tree_of(out)
        assert not settle(out)
        assert read_plan(out / "plan.json").created == DATES["new"]
        assert tree_of(out) == before
    finally:
        parent.kill()
        parent.wait()
    assert which_is_there(out) == "new"


@pytest.mark.parametrize("defect", ["lost", "changed", "journal", "names", "replaced"])
def test_a_journal_that_is_not_ours_is_not_obeyed(tmp_path: Path, defect: str) -> None:
    """Someone may have copied half a folder, or have written the journal by hand."""
    out = unfinished(tmp_path, moves=2)
    ready = out / READY_FOLDER
    (journal,) = ready.glob("journal-*.json")
    data = json.loads(journal.read_bytes())
    if defect == "lost":
        (ready / "nerve.ply").unlink()
    elif defect == "changed":
        (ready / "nerve.ply").write_bytes(b"another")
    elif defect == "names":
        data["remove"] = {"my notes.txt": "a" * 64}
    elif defect == "replaced":
        data["replace"] = {"../../labels.nii.gz": "a" * 64}
    journal.write_text("{" if defect == "journal" else json.dumps(data))
    before = tree_of(out)
    assert not settle(out)
    with pytest.raises(OutputError, match="unfinished plan"), workshop(out):
        pass
    assert tree_of(out) == before


def test_a_journal_removes_no_file_that_is_another_by_now(tmp_path: Path) -> None:
    out = unfinished(tmp_path, moves=2)
    (journal,) = (out / READY_FOLDER).glob("journal-*.json")
    data = json.loads(journal.read_bytes())
    assert "views/left-lateral.png" in data["remove"]
    data["remove"]["views/mine.png"] = "a" * 64
    journal.write_text(json.dumps(data))
    (out / "views" / "left-lateral.png").write_bytes(b"painted over")
    assert settle(out)
    assert (out / "views" / "left-lateral.png").read_bytes() == b"painted over"
    assert not (out / "needle-left.png").exists()
    assert_users_files_are_there(out)


def test_what_its_owner_changed_after_a_process_died_is_kept(tmp_path: Path) -> None:
    """Neither the journal nor whoever completes it knows what somebody puts in the folder meanwhile."""
    out = unfinished(tmp_path, moves=2)
    waiting = tree_of(out / READY_FOLDER)
    assert {"labels.nii.gz", "plan.json", "plan.spinect", "views/right-lateral.png"} <= set(waiting)
    changed: Tree = {
        "labels.nii.gz": b"corrected by hand",
        "labels.nii.gz.kept": b"of last week",
        "plan.json": b"written anew",
        "plan.spinect": b"saved from the window",
        "views/right-lateral.png": b"a photograph",
    }
    for name, content in changed.items():
        assert content is not None
        write_whole(out / name, content)
    assert which_is_there(out) == "new"
    assert (out / "labels.nii.gz.kept").read_bytes() == b"of last week"
    assert (out / "labels.nii.gz.kept-2").read_bytes() == b"corrected by hand"
    for name in ("plan.json", "plan.spinect", "views/right-lateral.png"):
        assert (out / f"{name}.kept").read_bytes() == changed[name]
    assert_users_files_are_there(out)


@POSIX
@pytest.mark.parametrize("place", [READY_FOLDER, "."])
def test_a_journal_takes_no_file_from_another_folder_and_renames_none_there(
    tmp_path: Path, place: str
) -> None:
    """By a link in its place the folder of pictures would be any other folder with pictures of these names."""
    out = unfinished(tmp_path, moves=0)
    for name in ("from-behind.png", "right-lateral.png"):
        (out / "views" / name).write_bytes((out / READY_FOLDER / "views" / name).read_bytes())
    victim: Tree = {"from-behind.png": b"precious", "right-lateral.png": b"precious"}
    plant(tmp_path / "victim", victim)
    (out / place / "views").rename(tmp_path / "away")
    (out / place / "views").symlink_to(tmp_path / "victim")
    assert not settle(out)
    assert tree_of(tmp_path / "victim") == victim


@POSIX
def test_a_link_that_lies_ready_is_neither_moved_nor_read(tmp_path: Path) -> None:
    out = unfinished(tmp_path, moves=0)
    ready = out / READY_FOLDER
    (out / "plan.json").write_bytes((ready / "plan.json").read_bytes())
    (tmp_path / "other.json").write_bytes(b"precious")
    (ready / "plan.json").unlink()
    (ready / "plan.json").symlink_to(tmp_path / "other.json")
    assert not settle(out)
    assert read_plan(out / "plan.json").created == DATES["new"]
    assert not (out / "plan.json").is_symlink()
    assert (tmp_path / "other.json").read_bytes() == b"precious"


def test_whoever_completes_it_second_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another process takes the journal, and completes it, just before this one would."""
    out = unfinished(tmp_path, moves=2)
    read = module._Journal.read
    quicker = []

    def late(ready: Path, name: str) -> object:
        journal = read(ready, name)
        if not quicker:
            quicker.append(name)
            monkeypatch.setattr(module._Journal, "read", read)
            assert settle(out)
        return journal

    monkeypatch.setattr(module._Journal, "read", late)
    assert settle(out)
    assert quicker
    assert which_is_there(out) == "new"


def test_a_run_that_begins_while_another_ends_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = unfinished(tmp_path, moves=4)
    (tmp_path / "next").mkdir()
    (out / READY_FOLDER).rename(tmp_path / "next" / READY_FOLDER)
    (out / READY_FOLDER).mkdir()  # empty, as between the removal of a journal and that of its folder
    clear, begun = module._clear, []

    def late(ready: Path) -> None:
        clear(ready)
        if not begun:
            begun.append(ready)
            (tmp_path / "next" / READY_FOLDER).rename(ready)

    monkeypatch.setattr(module, "_clear", late)
    assert settle(out)
    assert which_is_there(out) == "new"


# -------------------------------------------------------------------------------------- what is not ours stays, and how


def test_what_was_changed_or_put_there_stays_and_is_told(tmp_path: Path) -> None:
    out = tmp_path / "o"
    plant(out, {"labels.nii.gz": b"drawn by hand", "views/from-behind.png": b"a photograph", **USERS})
    kept = make(out, "old")
    assert kept.renamed == {
        "labels.nii.gz": "labels.nii.gz.kept",
        "views/from-behind.png": "views/from-behind.png.kept",
    }
    (out / "plan.spinect").write_bytes(b"saved again with needles of my own")
    (out / "views" / "left-lateral.png").write_bytes(b"painted over")
    (out / "labels.nii.gz").write_bytes(b"corrected")
    kept = make(out, "new")
    assert kept.renamed == {
        "labels.nii.gz": "labels.nii.gz.kept-2",
        "plan.spinect": "plan.spinect.kept",
    }
    assert kept.stayed == ("views/left-lateral.png",)
    assert len(kept.sentences) == 3
    assert (out / "labels.nii.gz.kept").read_bytes() == b"drawn by hand"
    assert (out / "labels.nii.gz.kept-2").read_bytes() == b"corrected"
    assert (out / "plan.spinect.kept").read_bytes() == b"saved again with needles of my own"
    assert (out / "views" / "left-lateral.png").read_bytes() == b"painted over"
    (out / "views" / "left-lateral.png").unlink()
    assert which_is_there(out) == "new"
    assert_users_files_are_there(out)


def test_a_folder_under_the_name_of_a_file_is_kept_too(tmp_path: Path) -> None:
    out = tmp_path / "o"
    plant(out, {"bone.ply/inside.txt": b"precious"})
    assert make(out, "new").renamed == {"bone.ply": "bone.ply.kept"}
    assert (out / "bone.ply.kept" / "inside.txt").read_bytes() == b"precious"
    assert which_is_there(out) == "new"


def test_a_manifest_that_names_other_files_removes_none(tmp_path: Path) -> None:
    out = tmp_path / "o"
    plant(out, USERS)
    make(out, "old")
    sums = json.loads((out / MANIFEST_FILE).read_bytes())
    from hashlib import sha256

    sums["files"] |= {"my notes.txt": sha256(b"precious").hexdigest()}
    (out / MANIFEST_FILE).write_text(json.dumps(sums))
    assert Manifest.of(out) is None
    make(out, "new")
    assert_users_files_are_there(out)
    assert (out / "needle-left.png").is_file()  # without its manifest nothing is known to be ours


@POSIX
def test_links_and_pipes_in_the_folder_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    plant(victim, {"photo.png": b"precious", "from-behind.png": b"precious"})
    out = tmp_path / "o"
    out.mkdir()
    (out / "views").symlink_to(victim)
    with pytest.raises(OutputError, match="views in this folder is a link"):
        make(out, "new")
    (out / "views").unlink()
    (out / "labels.nii.gz").symlink_to(victim / "photo.png")
    os.mkfifo(out / "bone.ply")
    (out / "nerve.ply").symlink_to("/dev/zero")
    kept = make(out, "new")
    assert set(kept.renamed) == {"labels.nii.gz", "bone.ply", "nerve.ply"}
    assert tree_of(victim) == {"photo.png": b"precious", "from-behind.png": b"precious"}
    (out / "bone.ply.kept").unlink()
    (out / "nerve.ply.kept").unlink()
    assert which_is_there(out) == "new"


# ----------------------------------------------------------------------------------------------- what a plan may name


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("labels.nii.gz", True),
        ("plan.spinect", True),
        ("views/left-oblique-30-2.png", True),
        ("needle-left-kambin-triangle-bony.png", True),
        ("angle-map-left-kambin-triangle-bony.csv", True),
        ("", False),
        ("id_rsa", False),
        ("views/../id_rsa.png", False),
        ("views/.hidden.png", False),
        ("views/a/b.png", False),
        ("views/a.png\n", False),
        ("views/A.png", False),
        ("needle-.png", False),
        ("ct/0001.dcm", False),
        ("labels.nii.gz.kept", False),
    ],
)
def test_only_names_that_this_program_gives_are_ours(name: str, ours: bool) -> None:
    assert is_ours(name) == ours


@POSIX
def test_a_plan_takes_along_only_pictures_and_maps_that_are_some(tmp_path: Path) -> None:
    good, table = png(7), b"oblique,tilt,area_mm2,\n1,2,3"
    warned = b"# Read with reservations: the unit of the numbers is unknown\n" + table
    out = plant(
        tmp_path / "o",
        {
            "views/good.png": good,
            "angle-map-good.csv": table,
            "angle-map-warned.csv": warned,
            "views/keys.png": b"-----BEGIN OPENSSH PRIVATE KEY-----",
            "views/tail.png": good + b"secret",
            "views/cut.png": good[:-20],
            "angle-map-keys.csv": b"password,secret",
            "id_rsa": b"secret",
            "slice.dcm": b"DICM",
            "views/huge.png": png_of(200_000, 200_000),
        },
    )
    secret = tmp_path / "secret.png"
    secret.write_bytes(good)
    (out / "views" / "link.png").symlink_to(secret)
    os.link(secret, out / "views" / "second.png")
    os.mkfifo(out / "views" / "pipe.png")
    (out / "views" / "endless.png").symlink_to("/dev/zero")
    with (out / "views" / "large.png").open("wb") as stream:
        stream.truncate(3 << 30)
    names = [path.relative_to(out).as_posix() for path in out.rglob("*")]
    found, refused = attachments(out, [*names, "views/missing.png", "missing.txt"])
    assert found == {"views/good.png": good, "angle-map-good.csv": table, "angle-map-warned.csv": warned}
    assert set(refused) == set(names) - set(found)
    assert are_beside(out, [*names, "views/missing.png"]) == {
        name for name in names if name.startswith(("views/", "angle")) and name not in NOT_PLAIN
    }


NOT_PLAIN = {"views/link.png", "views/second.png", "views/pipe.png", "views/endless.png"}


def png_of(width: int, height: int) -> bytes:
    """A sound PNG of any size on paper."""
    content = bytearray(png(1))
    content[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    content[29:33] = zlib.crc32(bytes(content[12:29])).to_bytes(4, "big")
    return bytes(content)


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (lambda: png(1), True),
        (lambda: png_of(8000, 8000), True),
        (lambda: png_of(20_001, 1), False),
        (lambda: png_of(10_000, 10_000), False),
        (lambda: png_of(0, 1), False),
        (lambda: png(1) + b"x", False),
        (lambda: png(1).replace(b"IDAT", b"IDAX"), False),
        (lambda: b"\xff\xd8\xff\xe0JFIF", False),
        (lambda: b"", False),
    ],
)
def test_a_picture_is_a_png_of_a_size_a_screen_could_show(content: Callable[[], bytes], is_one: bool) -> None:
    assert is_picture(content()) is is_one


@POSIX
@pytest.mark.parametrize("name", ["plan.json", "plan.spinect"])
def test_a_pipe_or_a_device_is_no_plan(tmp_path: Path, name: str) -> None:
    read = read_plan if name == "plan.json" else read_document
    os.mkfifo(tmp_path / name)
    with pytest.raises(Exception, match="no plain file"):
        read(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(Exception, match="no plain file"):
        read(tmp_path / name)
