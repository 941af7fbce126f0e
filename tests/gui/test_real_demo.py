"""The demo case through the window with the real network: what a newcomer sees first."""

import time

import pytest

from spinect_core.assets import asset
from spinect_core.errors import SpinectError


@pytest.mark.slow
def test_the_demo_case_is_cancelled_and_then_planned(window, qtbot):
    for name in ("demo/ct.nii.gz", "spinect.weights.safetensors"):
        try:
            asset(name)
        except SpinectError:
            pytest.skip(f"{name} is not in this checkout")
    window.segment_panel.choose("mode", "fast")
    window.session.open_demo()
    qtbot.waitUntil(lambda: "patch" in window.status.text.text(), timeout=300_000)
    began = time.monotonic()
    window.jobs.cancel()
    qtbot.waitUntil(lambda: not window.jobs.busy, timeout=5000)
    assert time.monotonic() - began < 1.5
    assert window.model.case.labels is None
    with qtbot.waitSignal(window.session.plan_ready, timeout=900_000):
        window.session.open_demo()
    qtbot.waitUntil(lambda: not window.jobs.busy)
    case = window.model.case
    assert case.surfaces.bone.n_cells > 50_000
    assert case.surfaces.nerve.n_cells > 5_000
    assert case.segmentation.run.mode == "fast"
    sides = {each.triangle.side for each in window.model.measurements}
    assert sides == {"left", "right"}, case.notes
