"""What 3D Slicer opens: markups, and a scene with the CT, labels, surfaces and markups."""
