"""Nothing that others see or that is kept says whose CT is open."""

import logging

import pytest

from app.model.jobs import Job


def test_the_title_names_neither_the_file_nor_the_series(opened, ct_file):
    title = opened.windowTitle()
    assert title.startswith("CT of ")
    for word in (ct_file.stem, ct_file.name, ct_file.parent.name, opened.model.case.name):
        assert word not in title.removeprefix("CT of")


@pytest.mark.parametrize("place", ["job", "window"])
def test_an_unexpected_fault_is_noted_without_what_it_says(window, qtbot, caplog, place):
    name = "^".join(["Mustermann", "Erika"])  # in one piece it would stand in the code, which is no secret

    def fail(*_):
        raise RuntimeError(f"cannot read {name}/0001.dcm")

    with caplog.at_level(logging.DEBUG):
        if place == "job":
            job = Job(fail)
            with qtbot.waitSignal(job.failed):
                job.start()
            job.wait()
        else:
            try:
                fail()
            except RuntimeError as error:
                window.boxes.show_unexpected(type(error), error, error.__traceback__)
    assert "builtins.RuntimeError" in caplog.text
    assert "test_privacy.py" in caplog.text
    assert name not in caplog.text
