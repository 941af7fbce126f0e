"""What a scanner does: it sends a study until all of it is acknowledged."""

from __future__ import annotations

import socket
import sys
import time
from pathlib import Path

import pydicom
from pynetdicom import AE
from pynetdicom.presentation import build_context

from spinect_core.io.pacs.arriving import CTS


def study(pictures: list[pydicom.Dataset], number: int) -> list[pydicom.Dataset]:
    """The pictures as those of another study."""
    found = []
    for z, picture in enumerate(pictures):
        data = pydicom.dcmread(picture.filename)
        data.StudyInstanceUID, data.SeriesInstanceUID = f"1.2.3.{number + 1}", f"1.2.3.{number + 1}.1"
        data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{number + 1}.1.{z + 1}"
        found.append(data)
    return found


def send(
    port: int, datasets: list[pydicom.Dataset], title: str = "SPINECT", calling: str = "CT1"
) -> list[int | None]:
    """What a scanner does; the status of each object, None where there was no answer."""
    try:
        # pynetdicom leaves a socket open where nothing listens.
        socket.create_connection(("127.0.0.1", port), 5).close()
    except OSError:
        return [None] * len(datasets)
    entity = AE(ae_title=calling)
    entity.acse_timeout = entity.dimse_timeout = entity.connection_timeout = 5
    kinds = {str(data.SOPClassUID) for data in datasets}
    contexts = [build_context(kind, "1.2.840.10008.1.2.1") for kind in (*kinds, CTS[0])][:2]
    opened = entity.associate("127.0.0.1", port, contexts=contexts, ae_title=title)
    found: list[int | None] = []
    for data in datasets:
        if not opened.is_established:
            return [*found, *[None] * (len(datasets) - len(found))]
        try:
            found.append(opened.send_c_store(data).get("Status"))
        except (ValueError, RuntimeError):
            found.append(None)
    if opened.is_established:
        opened.release()
    return found


def main(port: int, studies: int, first: str) -> None:
    """Send the pictures beside one, as those of several studies."""
    pictures = [pydicom.dcmread(file) for file in sorted(Path(first).parent.iterdir())]
    for number in range(studies):
        datasets = study(pictures, number)
        while datasets:
            answers = send(port, datasets)
            datasets = [each for each, code in zip(datasets, answers, strict=True) if code != 0]
            if datasets:
                time.sleep(0.3)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
