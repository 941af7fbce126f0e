"""Specimens that are drawn, and registered, once a run."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import Any

import pytest
from filelock import FileLock

from spinect_core.anatomy import landmarks
from spinect_core.image.volume import Labels
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


def by_content(compute: Callable[..., Any], place: int, known: dict[object, Any]) -> Callable[..., Any]:
    """A function that computes once for equal arguments; labels, at a place among them, are told by their voxels."""

    def remembered(*words: Any, **named: Any) -> Any:
        labels = words[place]
        assert isinstance(labels, Labels)
        rest = sorted((name, repr(named[name])) for name in named.keys() & {"focus", "steps_up", "start"})
        key = compute, sha256(labels.array.tobytes()).hexdigest(), repr(labels.geometry), repr(rest)
        if key not in known:
            known[key] = compute(*words, **named)
        return known[key]

    return remembered


@pytest.fixture(scope="module")
def registered_once() -> Iterator[dict[object, Any]]:
    """The level is looked for, and the atlas laid over, once for the same labels. Gives what is known, to be forgotten.

    A test of looking or laying over does not use it.
    """
    known: dict[object, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(landmarks._Search, "of", by_content(landmarks._Search.of, 1, known))
        patch.setattr(landmarks, "register", by_content(landmarks.register, 1, known))
        yield known
