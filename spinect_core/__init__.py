"""All of SPINECT Planner that needs no screen: from a CT on disk to a measured triangle."""

__version__ = "0.1.0"
