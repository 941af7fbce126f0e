"""The drawings: 3D, slices, needle planes, overlays and the tools that work on them."""
