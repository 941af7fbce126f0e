"""Geometry without a patient: views, triangles, zones, polygons, circles, membranes, contours."""
