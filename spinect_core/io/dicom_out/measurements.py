"""Measured numbers as a structured report (TID 1500), for programs that read numbers and no pages.

What DICOM and SNOMED CT have a code for bears it; the rest bears one of the program's own scheme, and the object says
whose that is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import highdicom as hd
import numpy as np
from highdicom.coding_schemes import CodingSchemeIdentificationItem
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from spinect_core.base.errors import ReadingError
from spinect_core.base.versions import NOTICE, __version__
from spinect_core.base.words import Side
from spinect_core.io.dicom_out.study import PRODUCT, Study, evidence, plain
from spinect_core.io.reading.quiet import quiet_dicom

SERIES = 9104
SCHEME = "99SPINECT"
LONGEST = 64
"""Letters of a code's meaning and of a name."""
DECIMALS = 2
_MM, _MM2, _DEGREE = codes.UCUM.Millimeter, codes.UCUM.SquareMillimeter, codes.UCUM.Degree


def _own(value: str, meaning: str) -> Code:
    return Code(value, SCHEME, meaning)


class Quantity(Enum):
    """What is measured: its code and its unit."""

    DEPTH = (codes.DCM.PathLength, _MM)
    PRIMARY = (codes.DCM.PositionerPrimaryAngle, _DEGREE)
    SECONDARY = (codes.DCM.PositionerSecondaryAngle, _DEGREE)
    OBLIQUE = (_own("oblique", "Rotation of the line of sight to the patient's left"), _DEGREE)
    TILT = (_own("tilt", "Cranial tilt of the line of sight"), _DEGREE)
    NEEDLE_LENGTH = (codes.DCM.NeedleLength, _MM)
    BONE = (_own("clearance-bone", "Smallest distance of the needle to bone"), _MM)
    NERVE = (_own("clearance-nerve", "Smallest distance to nerve before the last 3 mm"), _MM)
    NERVE_AT_TARGET = (_own("clearance-nerve-tip", "Smallest distance to nerve in the last 3 mm"), _MM)
    ANGLE = (_own("angular-tolerance", "Angular tolerance of the needle"), _DEGREE)
    ANGLE_AT_LEAST = (_own("angular-tolerance-least", "Angular tolerance of the needle, at least"), _DEGREE)
    SHIFT = (_own("shift-tolerance", "Shift tolerance of the needle"), _MM)
    SHIFT_AT_LEAST = (_own("shift-tolerance-least", "Shift tolerance of the needle, at least"), _MM)
    AREA = (codes.SCT.Area, _MM2)
    OUTLINE_AREA = (_own("triangle-area", "Area of the whole triangle in the view"), _MM2)
    CIRCLE = (_own("circle-radius", "Radius of the largest circle inside the free window"), _MM)


class Subject(Enum):
    """What a group of numbers is about."""

    NEEDLE = _own("needle", "Planned needle trajectory")
    WINDOW = _own("free-window", "Part of a triangle that nothing covers in a view")
    TRIANGLE = _own("triangle", "Triangle measured in a view")


@dataclass(frozen=True, eq=False)
class Group:
    """Numbers of one thing.

    Attributes:
        subject: what it is.
        name: by which the plan knows it.
        side: the patient's.
        numbers: by what they measure, in the unit of that.
        path: LPS mm (n, 3) that the first number was measured along or round; None without.
        closed: whether the path returns to its beginning.
    """

    subject: Subject
    name: str
    side: Side
    numbers: Sequence[tuple[Quantity, float]]
    path: np.ndarray[Any, Any] | None = None
    closed: bool = False


def measurements(
    groups: Sequence[Group], study: Study, *, version: str, weights: str, made_from: str
) -> bytes:
    """Groups of numbers as a Comprehensive 3D SR (DICOM PS3.3 A.35.13, PS3.16 TID 1500), as the bytes of a file.

    Args:
        groups: at least one.
        study: that it goes into.
        version: of the program that planned.
        weights: SHA-256 of the network's; empty if not stored.
        made_from: such as the checksum of the plan.

    Raises:
        ReadingError: the CT has no frame of reference that places could be told in.
        OutputError: the patient's data cannot be written.
    """
    frame = str(study.files[0].get("FrameOfReferenceUID") or "")
    if not frame:
        raise ReadingError(
            "This CT has no frame of reference, so no place can be told", "Write without numbers"
        )
    told = [NOTICE, f"Weights SHA-256: {weights or 'not stored'}", made_from]
    algorithm = hd.sr.AlgorithmIdentification(
        name="SPINECT",
        version=version or "not stored",
        parameters=[plain(each) for each in told if each],
        family=codes.DCM.ArtificialIntelligence,
    )
    device = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=study.uid_for("device"),
        name=PRODUCT,
        manufacturer_name=PRODUCT,
        model_name=f"{PRODUCT} {__version__}",
    )
    with quiet_dicom():
        content = hd.sr.MeasurementReport(
            observation_context=hd.sr.ObservationContext(
                observer_device_context=hd.sr.ObserverContext(
                    observer_type=codes.DCM.Device, observer_identifying_attributes=device
                )
            ),
            procedure_reported=codes.cid100.CTUnspecifiedBodyRegion,
            imaging_measurements=[_group(each, study, algorithm, frame) for each in groups],
        )
        made: Any = hd.sr.Comprehensive3DSR(
            evidence=evidence(study),
            content=content,
            series_instance_uid=study.uid_for("measurements", made_from),
            series_number=SERIES,
            sop_instance_uid="2.25.0",
            instance_number=1,
            manufacturer=PRODUCT,
            is_complete=True,
            series_description=f"{PRODUCT}: measurements",
            coding_schemes=[
                CodingSchemeIdentificationItem(
                    designator=SCHEME, name=PRODUCT, version=__version__, responsible_organization=PRODUCT
                )
            ],
        )
    return study.written(made)


def _group(group: Group, study: Study, algorithm: Any, frame: str) -> Any:
    name = plain(group.name, LONGEST)
    place = hd.sr.FindingSite(
        anatomic_location=codes.SCT.LumbarSpine,
        laterality=codes.SCT.Left if group.side == Side.LEFT else codes.SCT.Right,
    )
    made = []
    for number, (quantity, value) in enumerate(group.numbers):
        concept, unit = quantity.value
        path = group.path if number == 0 else None
        made.append(
            hd.sr.Measurement(
                name=concept,
                value=round(value, DECIMALS) + 0.0,
                unit=unit,
                referenced_coordinates=None if path is None else [_path(path, group.closed, frame)],
            )
        )
    return hd.sr.MeasurementsAndQualitativeEvaluations(
        tracking_identifier=hd.sr.TrackingIdentifier(
            uid=study.uid_for("group", group.subject.name, group.name), identifier=name
        ),
        finding_type=group.subject.value,
        finding_sites=[place],
        algorithm_id=algorithm,
        measurements=made,
    )


def _path(points: np.ndarray[Any, Any], closed: bool, frame: str) -> Any:
    """A line in the patient, from the skin to the tip, or round an outline."""
    kind, drawn = "POLYLINE", np.asarray(points, dtype=np.float64)
    if closed:
        drawn = np.concatenate([drawn, drawn[:1]])
    return hd.sr.CoordinatesForMeasurement3D(
        graphic_type=kind, graphic_data=drawn, frame_of_reference_uid=frame
    )
