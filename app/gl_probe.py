"""Asks, in a process of its own, whether this machine can draw in 3D.

A missing or broken OpenGL can abort the process that tries it. So the window starts this module as a child, and opens
its 3D view only if the child comes back with 0.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spinect_core.base.child import child_command, child_environment
from spinect_core.base.decimal_point import keep_decimal_point

if TYPE_CHECKING:
    from PySide6.QtGui import QSurfaceFormat

LONGEST_SECONDS = 20.0


def start() -> subprocess.Popen[bytes]:
    """Start the probe."""
    return subprocess.Popen(
        child_command("window-opengl"),
        env=child_environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def answer(probe: subprocess.Popen[bytes]) -> bool:
    """Wait for a probe; True if 3D works."""
    try:
        return probe.wait(LONGEST_SECONDS) == 0
    except subprocess.TimeoutExpired:
        probe.kill()
        probe.wait()
        return False


def surface_format() -> QSurfaceFormat:
    """What VTK needs to draw with: desktop OpenGL 3.2, core profile."""
    from PySide6.QtGui import QSurfaceFormat

    wanted = QSurfaceFormat()
    wanted.setRenderableType(QSurfaceFormat.RenderableType.OpenGL)
    wanted.setProfile(QSurfaceFormat.OpenGLContextProfile.CoreProfile)
    wanted.setVersion(3, 2)
    wanted.setSwapBehavior(QSurfaceFormat.SwapBehavior.DoubleBuffer)
    for set_size in (
        wanted.setRedBufferSize,
        wanted.setGreenBufferSize,
        wanted.setBlueBufferSize,
        wanted.setDepthBufferSize,
        wanted.setAlphaBufferSize,
    ):
        set_size(8)
    wanted.setStencilBufferSize(0)
    wanted.setSamples(0)
    return wanted


def main(arguments: Sequence[str]) -> int:
    """The child that `start` starts: 0 if a desktop OpenGL 3.2 context can be made current, else 1."""
    from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext, QSurfaceFormat

    QSurfaceFormat.setDefaultFormat(surface_format())
    application = QGuiApplication(sys.argv[:1])
    keep_decimal_point()  # the application has just taken the user's, and a driver reads numbers too
    if application.platformName() in ("offscreen", "minimal"):
        return 1
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not context.create() or not context.makeCurrent(surface):
        return 1
    version = context.format().version()
    context.doneCurrent()
    return 0 if tuple(version) >= (3, 2) else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
