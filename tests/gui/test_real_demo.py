"""The demo case through the window with the real network: what a newcomer sees first."""

import time

import pytest

from spinect_core.base.assets import asset
from spinect_core.base.errors import SpinectError


@pytest.mark.slow
def test_the_demo_case_is_cancelled_and_then_planned(window, qtbot):
    for name in ("demo/ct.nii.gz", "spinect.weights.safetensors"):
        try:
            asset(name)
        except SpinectError:
            pytest.skip(f"{name} is not in this checkout")
    window.state.options.choose("mode", "fast", keep=False)
    window.controllers.open.open_demo()
    qtbot.waitUntil(lambda: "patch" in window.status.text.text(), timeout=300_000)
    began = time.monotonic()
    window.jobs.cancel()
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=5000)
    assert time.monotonic() - began < 1.5
    assert window.model.case.labels is None
    with qtbot.waitSignal(window.controllers.plan.found, timeout=900_000):
        window.controllers.open.open_demo()
    qtbot.waitUntil(lambda: not window.jobs.busy)
    case = window.model.case
    assert case.surfaces.bone.n_cells > 50_000
    assert case.surfaces.nerve.n_cells > 5_000
    assert case.segmentation.run.record["mode"] == "fast"
    trajectories = window.state.trajectories
    assert {each.side for each in trajectories.rows} == {"left", "right"}, case.notes
    assert {each.kind for each in trajectories.rows} == {"kambin", "safe"}, case.notes
    found = [each for each in trajectories.rows if each.needle is not None]
    assert found, case.notes
    for trajectory in found:
        assert trajectory.search.best.area_mm2 >= trajectory.search.recommended.area_mm2 - 0.1
        assert 60 < trajectory.needle.needle.depth_mm < 168
        assert trajectory.needle.safety.tolerance.angle.amount > 0
    trajectories.choose(found[-1].key)
    assert window.state.present.window.area_mm2 == pytest.approx(
        found[-1].search.recommended.area_mm2, abs=0.3
    )
    closed = [each for each in trajectories.rows if not each.open]
    assert all(each.blocked_text.startswith("no trajectory") for each in closed)
