"""What all tests share."""

from hypothesis import settings

# A slow or busy machine is no failure; the same examples on every run are.
settings.register_profile("spinect", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("spinect")
