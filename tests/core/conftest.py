"""Specimens that are drawn once a run."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from filelock import FileLock

from spinect_core.research.phantom import Phantom, draw_case


@pytest.fixture(scope="session")
def draw_once(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[..., Phantom]:
    """`draw_case`, but every specimen is drawn once a run, whichever test process asks first.

    Each call gives arrays of its own. A test of drawing itself calls `draw_case`.
    """
    folder = tmp_path_factory.getbasetemp()
    if hasattr(request.config, "workerinput"):
        folder = folder.parent  # what the processes of one run share

    def draw(seed: int, *spacing: tuple[float, float, float], **options: Any) -> Phantom:
        key = sha256(repr((seed, spacing, sorted(options.items()))).encode()).hexdigest()[:16]
        path = folder / f"specimen-{key}.pickle"
        with FileLock(f"{path}.lock"):
            if not path.is_file():
                unfinished = path.with_suffix(".part")
                unfinished.write_bytes(pickle.dumps(draw_case(seed, *spacing, **options)))
                unfinished.replace(path)
        phantom: Phantom = pickle.loads(path.read_bytes())
        return phantom

    return draw
