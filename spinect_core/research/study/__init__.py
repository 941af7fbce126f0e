"""The whole study of a list of cases: agreement of labels, roots and triangle areas, observers, pictures, report.

After Fan and others, AJNR 2019;40:1074. ``run_study`` in :mod:`spinect_core.research.study.run` does it all.
"""
