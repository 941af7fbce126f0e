"""The window of SPINECT Planner. It knows spinect_core; nothing knows it."""
