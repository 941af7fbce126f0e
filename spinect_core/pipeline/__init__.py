"""The whole job from a CT to a folder of results, planning again, and what is exported."""
