"""Test cases by another rule than the phantoms: other bones, other courses, other tissue, another scanner.

Nothing of :mod:`spinect_core.research.phantom` is used, so that what a network learned from phantoms is measured on
something else. The bones are surfaces from a folder (BodyParts3D), on which the network was never trained.
``python -m benchmarks.other_family MESHES --seed 1-8 --out DIR`` draws, ``python -m benchmarks.other_family.measure``
measures. These cases are for testing: never choose weights, thresholds or anything else by them.
"""
