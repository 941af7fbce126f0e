"""Products of matrices in one thread: nearly all here have three columns, and several threads wait for each other.

Where two threads plan, each of their products would keep as many threads busy as there are processors, to no end. A
variable that the user has set is left as it is.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

THREADS = "OPENBLAS_NUM_THREADS"
"""Read by the libraries in NumPy and SciPy when they are loaded."""


def multiply_in_one_thread(environment: MutableMapping[str, str] | None = None) -> None:
    """Tell the libraries, before any of them is loaded.

    Args:
        environment: what the libraries will read; that of this process if None.
    """
    (os.environ if environment is None else environment).setdefault(THREADS, "1")
