"""Which kinds of DICOM objects and which units of their numbers are those of a CT."""

from __future__ import annotations

ENHANCED_CT = ("1.2.840.10008.5.1.4.1.1.2.1", "1.2.840.10008.5.1.4.1.1.2.2")
CLASSIC_CT = "1.2.840.10008.5.1.4.1.1.2"
HOUNSFIELD = ("", "HU", "H.U.", "[HNSF'U]", "HOUNSFIELD", "HOUNSFIELD UNIT", "HOUNSFIELD UNITS", "HU_MOD")
"""No type means Hounsfield units in a CT. HU_MOD are those of a picture from which a material was removed."""
