"""Which engine is tried, in which order."""

from __future__ import annotations

import argparse
import subprocess
import sys

import pytest

from spinect_core.base.errors import UsageError
from spinect_core.cli.parser import add_network_options
from spinect_core.segmentation import choice
from spinect_core.segmentation.choice import Candidate, candidates, gpu_present
from spinect_core.segmentation.tiling import Tiling, tile_corners

GPU, CPU, OPENVINO = (
    Candidate("tensorflow", "gpu"),
    Candidate("tensorflow", "cpu"),
    Candidate("openvino", "cpu"),
)


@pytest.mark.parametrize(
    ("engine", "device", "gpu", "expected"),
    [
        ("auto", "auto", True, [GPU, OPENVINO, CPU]),
        ("auto", "auto", False, [OPENVINO, CPU]),
        ("auto", "cpu", True, [OPENVINO, CPU]),
        ("auto", "gpu", False, [GPU, OPENVINO, CPU]),
        ("tensorflow", "auto", True, [GPU, CPU]),
        ("tensorflow", "auto", False, [CPU]),
        ("tensorflow", "cpu", True, [CPU]),
        ("openvino", "auto", True, [OPENVINO]),
    ],
)
def test_the_order(
    monkeypatch: pytest.MonkeyPatch, engine: str, device: str, gpu: bool, expected: list[Candidate]
) -> None:
    monkeypatch.setattr(choice, "gpu_present", lambda: gpu)
    assert candidates(engine, device) == expected


@pytest.mark.parametrize(
    ("engine", "device", "text"),
    [("torch", "auto", "engine 'torch'"), ("auto", "tpu", "device 'tpu'"), ("openvino", "gpu", "CPU only")],
)
def test_what_does_not_exist_is_refused_with_the_choices(engine: str, device: str, text: str) -> None:
    with pytest.raises(UsageError, match=text) as caught:
        candidates(engine, device)
    assert "Choose" in caught.value.remedy


def test_a_gpu_hidden_from_cuda_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert gpu_present() is False


def test_looking_for_a_gpu_imports_no_engine() -> None:
    code = (
        "import sys; from spinect_core.segmentation import segment; "
        "from spinect_core.segmentation.choice import gpu_present; gpu_present(); "
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'openvino', 'PySide6')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_gpu_gets_several_tiles_at_once_and_large_ones_singly() -> None:
    paper = choice.PAPER
    large = Tiling("large", (80, 80, 96), (72, 64, 88))
    assert GPU.batch(paper) == 8
    assert GPU.batch(large) == 1
    assert CPU.batch(paper) == OPENVINO.batch(paper) == 1


def test_the_paper_mode_is_the_papers_and_only_the_thorough_one_reads_twice() -> None:
    assert choice.MODES["paper"] == choice.Mode(choice.PAPER, "nearest", twice=False)
    assert {name for name, mode in choice.MODES.items() if mode.twice} == {"thorough"}
    assert {name for name, mode in choice.MODES.items() if mode.voxels == "mean"} == {"fast", "thorough"}


def test_the_command_line_offers_every_mode() -> None:
    parser = argparse.ArgumentParser()
    add_network_options(parser)
    assert parser.parse_args([]).mode == next(iter(choice.MODES))
    for name in choice.MODES:
        assert parser.parse_args(["--mode", name]).mode == name
    with pytest.raises(SystemExit):
        parser.parse_args(["--mode", "careless"])


def test_modes_fit_the_network_and_leave_no_gap() -> None:
    assert choice.PAPER.patch == (32, 64, 64)
    assert choice.PAPER.stride == (20, 40, 40)
    assert not choice.PAPER.tapered
    region = (152, 144, 184)
    assert len(tile_corners(region, choice.PAPER)) == 84
    assert len(tile_corners(region, choice.FAST)) == 45
    for mode in choice.MODES.values():
        tiling = mode.tiling
        assert all(size % 16 == 0 for size in tiling.patch)
        assert all(stride <= size for stride, size in zip(tiling.stride, tiling.patch, strict=True))
