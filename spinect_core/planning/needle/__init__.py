"""A needle: its place, clearance and tolerance, what it touches, and the risk of an angular error."""
