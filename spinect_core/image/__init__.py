"""A CT and its labels on their grid: voxels with geometry, planes through them, a region, comparison of labels."""
