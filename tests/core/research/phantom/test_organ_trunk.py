"""The trunk with its organs: reproducible, left is left, and every organ where anatomy has it."""

import numpy as np
import pytest

from spinect_core.base.errors import UsageError
from spinect_core.research.phantom.organs import BOX, draw_trunk
from spinect_core.segmentation.organ_network import ORGAN_CLASSES

COARSE = 6.0


@pytest.fixture(scope="module")
def trunk():
    return draw_trunk(3, spacing=COARSE)


def places(trunk, name: str) -> np.ndarray:
    """LPS mm (n, 3) of a class."""
    found = np.argwhere(trunk.classes == ORGAN_CLASSES.index(name))
    return trunk.volume.geometry.to_patient(found)


def test_every_class_is_drawn(trunk):
    assert set(np.unique(trunk.classes)) == set(range(len(ORGAN_CLASSES)))


def test_the_same_seed_gives_the_same_bytes():
    low = (*BOX[:2], (20.0, 80.0))
    first, again, other = (draw_trunk(seed, spacing=10.0, box=low) for seed in (5, 5, 6))
    assert first.volume.array.tobytes() == again.volume.array.tobytes()
    assert first.classes.tobytes() == again.classes.tobytes()
    assert first.volume.array.tobytes() != other.volume.array.tobytes()


def test_the_organs_lie_where_anatomy_has_them(trunk):
    kidneys, psoas, back, square, bowel = (
        places(trunk, name)
        for name in ("kidney", "psoas and iliacus", "back muscles", "quadratus lumborum", "bowel")
    )
    for side in (1, -1):
        # Kidney before the quadratus and beside the psoas of its side, above L5.
        own = kidneys[side * kidneys[:, 0] > 0]
        beside = psoas[(side * psoas[:, 0] > 0) & (psoas[:, 2] > 60)]
        assert np.median(side * own[:, 0]) > np.median(side * beside[:, 0])
        assert own[:, 2].min() > 20
    assert np.median(back[:, 1]) > np.median(square[:, 1]) > np.median(kidneys[:, 1]) > np.median(bowel[:, 1])


def test_tissues_have_their_density(trunk):
    hu = trunk.volume.array
    muscle = np.median(hu[trunk.classes == ORGAN_CLASSES.index("back muscles")])
    bone = np.median(hu[trunk.classes == ORGAN_CLASSES.index("bone")])
    assert 0 < muscle < 90 < bone


def test_a_negative_seed_is_refused():
    with pytest.raises(UsageError, match="negative"):
        draw_trunk(-1)
