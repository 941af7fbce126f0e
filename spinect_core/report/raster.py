"""The pages of a report as pictures, for viewers that show no documents."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

DPI = 200
"""The smallest letters of a page are then 15 pixels high."""
POINTS_PER_INCH = 72.0


def page_pictures(pdf: bytes, dpi: float = DPI) -> list[npt.NDArray[np.uint8]]:
    """Every page as uint8 RGB (height, width, 3).

    Args:
        pdf: made by :func:`spinect_core.report.page.pdf`.
        dpi: pixels per inch of paper.
    """
    import pypdfium2

    document = pypdfium2.PdfDocument(pdf)
    try:
        pictures = []
        for page in document:
            bitmap = page.render(scale=dpi / POINTS_PER_INCH, rev_byteorder=True)
            pictures.append(np.array(bitmap.to_numpy()[..., :3], dtype=np.uint8))
            bitmap.close()
            page.close()
        return pictures
    finally:
        document.close()
