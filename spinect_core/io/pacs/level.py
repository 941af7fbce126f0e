"""What an archive is asked about, and the ways of asking."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """Of a query, as DICOM names it."""

    STUDY = "STUDY"
    SERIES = "SERIES"
    IMAGE = "IMAGE"


class Way(StrEnum):
    """How something was asked, fetched or sent; DICOMweb has the first word of each."""

    QIDO = "QIDO"
    FIND = "C-FIND"
    WADO = "WADO"
    GET = "C-GET"
    MOVE = "C-MOVE"
    STOW = "STOW"
    STORE = "C-STORE"
    ECHO = "C-ECHO"
