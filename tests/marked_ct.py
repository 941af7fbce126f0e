"""A small CT that fits the made-up plan, with a marker in every field that may name somebody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom

from spinect_core.image.volume import BONE, NERVE, Geometry, Labels, Volume
from spinect_core.io.writing import write_dicom_series

MARKERS = {
    "PatientName": "Quastenflosser^Erika",
    "PatientID": "PID4711X",
    "PatientBirthDate": "19570317",
    "OtherPatientNames": "Zweitname^Erika",
    "PatientAddress": "Himmelblaustrasse",
    "PatientTelephoneNumbers": "0815-99887",
    "PatientComments": "Kommentarwort",
    "InstitutionName": "Klinikum-Sonnenschein",
    "ReferringPhysicianName": "Doktorwunder^Otto",
    "AccessionNumber": "ACC77123",
    "StudyDescription": "Studie-Abendrot",
    "SeriesDescription": "Serie-Morgenrot",
    "StudyID": "SID5566",
}
UIDS = ("1.2.840.99999.1", "1.2.840.99999.1.2", "1.2.840.99999.3")
"""Of study, series and frame of reference."""
FOLDER, FILE = "Fuchsberger_1957", "Ziegelhuber"


def drawn() -> Volume:
    """Two bars of bone and one of nerve about the needle of the made-up plan, in air."""
    grid = Geometry((50, 60, 55), (2.0, 2.0, 2.0), (-45.0, -15.0, -50.0))
    at = grid.to_patient(np.moveaxis(np.indices(grid.shape), 0, -1))
    array = np.full(grid.shape, -1000, np.int16)
    array[at[..., 1] < 95] = -90
    array[np.hypot(at[..., 0] + 10, at[..., 1] - 10) < 8] = 900
    array[np.hypot(at[..., 0] - 25, at[..., 1] - 15) < 5] = 40
    return Volume(array, grid)


def labels_of(volume: Volume) -> Labels:
    array = np.zeros(volume.array.shape, np.uint8)
    array[volume.array == 900] = BONE
    array[volume.array == 40] = NERVE
    return Labels(array, volume.geometry)


def marked_series(folder: Path) -> Path:
    """A series with a marker in every field that may name somebody, and in the names of folder and files."""
    folder = folder / FOLDER
    for number, file in enumerate(write_dicom_series(drawn(), folder)):
        data = pydicom.dcmread(file)
        for keyword, text in MARKERS.items():
            setattr(data, keyword, text)
        data.StudyInstanceUID, data.SeriesInstanceUID, data.FrameOfReferenceUID = UIDS
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"{UIDS[1]}.{number + 1}"
        data.save_as(folder / f"{FILE}-{number:03}.dcm")
        file.unlink()
    return folder


def told(content: bytes) -> list[str]:
    words = [part for text in MARKERS.values() for part in text.split("^")] + ["1957-03-17", FOLDER, FILE]
    lower = content.lower()
    return [
        word
        for word in words
        if any(word.lower().encode(code) in lower for code in ("utf-8", "utf-16-be", "utf-16-le"))
    ]
