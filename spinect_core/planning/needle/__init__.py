"""A needle: its place, clearance, tolerance, what it meets, the risk of an error."""
