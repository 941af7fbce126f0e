"""A service for the tests: it plans in no time, but gives its objects new identifiers each time that it does."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pydicom
from pydicom.uid import generate_uid

from spinect_core.base.errors import AnatomyError
from spinect_core.io.pacs.archive import Access, archive_of
from spinect_core.io.pacs.spool import Limits, Spool
from spinect_core.pipeline.serving import Service, Station

OBJECTS = 2
CAPTURE = "1.2.840.10008.5.1.4.1.1.7"


def make(ct: Path, out: Path, cancel: object) -> None:
    """Objects of a "plan": how many pictures it saw, under identifiers that are new each time."""
    files = sorted(ct.iterdir())
    first = pydicom.dcmread(files[0], stop_before_pixels=True)
    if str(first.get("SeriesDescription")) == "no spine":
        raise AnatomyError("No lumbosacral spine was recognised", "Choose another CT")
    series = generate_uid()
    for number in range(OBJECTS):
        data = pydicom.dcmread(files[0])
        data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = CAPTURE
        data.SeriesInstanceUID, data.SOPInstanceUID = series, generate_uid()
        data.file_meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID
        data.Modality, data.ImageComments = "OT", f"{len(files)} pictures"
        data.save_as(out / f"{number:03}.dcm")
        time.sleep(0.05)


def main(spool: str, own_port: int, archive_port: int, series: int = 50) -> None:
    archive = archive_of(name="Faulty", host="127.0.0.1", port=archive_port, title="FAULTY", patience_s=5)
    service = Service(
        Spool(Path(spool), Limits(series, 500, 1)),
        Access(archive),
        make,
        0.5,
        lambda words: print(words, flush=True),
    )
    with service.listening(Station("SPINECT", own_port)):
        print("listening", flush=True)
        service.run(threading.Event())


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
