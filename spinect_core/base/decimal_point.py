"""The decimal point of this process, which native readers and writers of text take from the C library.

A window toolkit sets the C library's number format from the user's environment when its application object is made.
ITK's NRRD reader then takes "1.25" for 1 where the decimal sign is a comma, without a word. So the point is set again
right after such an object is made, and before every native reader and writer, in case a plug-in has changed it since.
"""

from __future__ import annotations

import locale


def keep_decimal_point() -> None:
    """Make the point the decimal sign of this process.

    The number format is the process's, not the thread's. It is never set back: nothing in this program wants another,
    and a thread that put a comma back would do so while another one reads. Asking takes a millionth of a second.
    """
    if locale.setlocale(locale.LC_NUMERIC) != "C":
        locale.setlocale(locale.LC_NUMERIC, "C")
