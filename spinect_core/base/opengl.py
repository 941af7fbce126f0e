"""Whether this computer can render, found out in a process that may die of it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from spinect_core.base.child import child_command, child_environment
from spinect_core.base.reasons import reason

TIMEOUT_S = 90.0


@dataclass(frozen=True)
class OpenGl:
    """What renders.

    Attributes:
        works: whether a picture came out.
        renderer: the graphics card or the software renderer.
        version: OpenGL's version string.
        fault: why nothing came out.
    """

    works: bool
    renderer: str = ""
    version: str = ""
    fault: str = ""


def probe_opengl(timeout_s: float = TIMEOUT_S) -> OpenGl:
    """Render a few pixels in a child process: without a usable OpenGL, VTK may end the process it runs in.

    Args:
        timeout_s: how long a driver may take.
    """
    try:
        child = subprocess.run(
            child_command("rendering"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(),
            timeout=timeout_s,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
    except subprocess.TimeoutExpired:
        return OpenGl(False, fault=f"the driver gave no picture within {timeout_s:.0f} s")
    except OSError as error:
        return OpenGl(False, fault=f"no process to try it in could be started ({error.strerror or error})")
    with contextlib.suppress(ValueError, IndexError, TypeError):
        return OpenGl(**json.loads(child.stdout.decode("utf-8", "replace").splitlines()[-1]))
    return OpenGl(False, fault=f"rendering ended the process (exit code {child.returncode})")


def _render_a_little() -> OpenGl:
    try:
        # Not the library that draws the pictures: it takes seconds to load.
        import vtkmodules.vtkRenderingOpenGL2
        from vtkmodules.util.numpy_support import vtk_to_numpy
        from vtkmodules.vtkFiltersSources import vtkSphereSource
        from vtkmodules.vtkRenderingCore import (
            vtkActor,
            vtkPolyDataMapper,
            vtkRenderer,
            vtkRenderWindow,
            vtkWindowToImageFilter,
        )

        assert vtkmodules.vtkRenderingOpenGL2 is not None  # loaded for what it registers
        sphere, mapper, actor = vtkSphereSource(), vtkPolyDataMapper(), vtkActor()
        mapper.SetInputConnection(sphere.GetOutputPort())
        actor.SetMapper(mapper)
        renderer, window = vtkRenderer(), vtkRenderWindow()
        renderer.AddActor(actor)
        renderer.SetBackground(0.0, 0.0, 0.0)
        window.SetOffScreenRendering(1)
        window.SetMultiSamples(0)
        window.SetSize(32, 32)
        window.AddRenderer(renderer)
        window.Render()
        seen = vtkWindowToImageFilter()
        seen.SetInput(window)
        seen.ReadFrontBufferOff()
        seen.Update()
        picture = vtk_to_numpy(seen.GetOutput().GetPointData().GetScalars())
        facts = dict(
            line.split(":", 1)
            for line in window.ReportCapabilities().splitlines()
            if line.startswith("OpenGL ") and ":" in line
        )
        window.Finalize()
    except Exception as error:  # any failure of a driver is an answer here
        return OpenGl(False, fault=reason(error))
    if picture.max(initial=0) < 50:
        return OpenGl(False, fault="the picture came out empty")
    renderer = facts.get("OpenGL renderer string", "").strip()
    return OpenGl(True, renderer, facts.get("OpenGL version string", "").strip())


def main(arguments: Sequence[str]) -> int:
    """Render here and print the answer as a line of JSON: the child that `probe_opengl` starts."""
    print(json.dumps(asdict(_render_a_little())), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
