"""Views, triangles and trajectories: plain geometry in patient millimetres."""
