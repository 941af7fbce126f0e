"""What all tests share: their three parts, and how several test processes share a computer."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from orthanc import Orthanc

# A slow or busy machine is no failure; the same examples on every run are.
settings.register_profile("spinect", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("spinect")

HERE = Path(__file__).parent

# Under nohup a closed terminal is ignored, and every program that a test starts would ignore it too. Where it is
# handled here it is not ignored there.
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)

# TensorFlow and the graphics driver each bring an LLVM and crash in one process (the program keeps them apart as well),
# and the core renders without an X server, as on a computer without a screen. So there are three parts.
PARTS = {
    "window": ("gui",),
    "engines": ("core/segmentation", "core/research/training"),
    "core": ("core", "field_cases", "fuzz"),
}
RENDERING = ("core/pictures", "core/pipeline", "core/research/study/test_renderings.py", "gui")

MOST_PROCESSES = 8
"""Each one collects all tests of its part, so many more would do nothing but that."""
BYTES_PER_PROCESS = 3 * 2**30
"""Memory to have free for every test process: what the largest test of the engines takes, and some room."""

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS")


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


# Now, before a library reads them: several processes that each take all the cores are slower than one.
if processes := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    for variable in THREADS:
        os.environ[variable] = str(max(cores() // int(processes), 1))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """How many processes ``-n auto`` starts: one a core, if the memory suffices."""
    import psutil

    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    return max(min(cores(), MOST_PROCESSES, psutil.virtual_memory().available // BYTES_PER_PROCESS), 1)


CRASHED: set[str] = set()


@pytest.hookimpl(optionalhook=True)
def pytest_handlecrashitem(crashitem: str, report: pytest.TestReport, sched: Any) -> None:
    """Repeat a test once whose process went down, and say so.

    About once in a thousand windows Qt ends the process with a segmentation fault while a closed window is destroyed;
    why is not known. What goes down twice has failed.
    """
    if crashitem not in CRASHED and hasattr(sched, "mark_test_pending"):
        CRASHED.add(crashitem)
        with contextlib.suppress(NotImplementedError):
            sched.mark_test_pending(crashitem)
            report.outcome = "rerun"  # type: ignore[assignment]


def inside(path: Path, places: tuple[str, ...]) -> bool:
    """Whether a path lies in one of some places, given from here."""
    return any(path.is_relative_to(HERE / place) for place in places)


def part_of(path: Path) -> str | None:
    """The first part that a path lies in."""
    return next((part for part, places in PARTS.items() if inside(path, places)), None)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", choices=sorted(PARTS), help="Collect only the tests of one part.")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    wanted, own = config.getoption("--part"), part_of(collection_path)
    if wanted is None or own in (wanted, None):
        return None
    # The folders of "core" hold those of "engines".
    return True if collection_path.is_file() or own != "core" else None


MIXED = pytest.StashKey[bool]()
MIXED_FAULT = (
    "These tests render and load TensorFlow, which crashes in one process. "
    "Run them one part after the other: --part core, --part engines, --part window"
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    mixed = all(any(inside(item.path, places) for item in items) for places in (PARTS["engines"], RENDERING))
    if mixed and not processes:
        raise pytest.UsageError(MIXED_FAULT)
    config.stash[MIXED] = mixed
    # Whole files go to one process or another: with the long ones first no process waits for the other at the end.
    long = {item.path for item in items if item.get_closest_marker("heavy")}
    items.sort(key=lambda item: item.path not in long)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # One of several processes cannot refuse to collect.
    if item.config.stash[MIXED]:
        pytest.fail(MIXED_FAULT, pytrace=False)


# ------------------------------------------------------------------------------------------------------------- archives


@pytest.fixture(scope="session")
def one_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    from orthanc import PLUGIN, PROGRAM, running_orthanc

    if PROGRAM is None or not PLUGIN.exists():
        pytest.skip("Orthanc is not installed (Debian: orthanc and orthanc-dicomweb)")
    with running_orthanc(tmp_path_factory.mktemp("orthanc")) as found:
        yield found


@pytest.fixture
def orthanc(one_orthanc: Orthanc) -> Orthanc:
    """A real archive, running and empty."""
    if one_orthanc.process is None:
        one_orthanc.start()
    one_orthanc.empty()
    return one_orthanc


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a test goes into the keyring of who runs it."""
    from spinect_core.io.pacs import credentials

    monkeypatch.setattr(credentials, "_keyring", lambda: None)
    monkeypatch.setattr(credentials, "_remembered", {})
