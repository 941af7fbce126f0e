"""Where things are: the L5/S1 level, its landmarks on both sides, the root courses, the borders of the triangles."""
