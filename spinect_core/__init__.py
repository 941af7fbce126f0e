"""All of SPINECT Planner that needs no screen: from a CT on disk to a measured triangle."""

from spinect_core.base.versions import __version__

__all__ = ["__version__"]
