"""An archive that fails in the way that a test asks for, made of pynetdicom."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from orthanc import free_port
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from pynetdicom.presentation import build_context

from spinect_core.io.pacs.archive import Archive
from spinect_core.io.pacs.arriving import CTS, SYNTAXES
from spinect_core.io.pacs.dimse import ECHO, FIND, GET, MOVE


@dataclass
class Faulty:
    """What it has and how it behaves.

    Attributes:
        objects: what it has.
        store_status: what it answers to C-STORE.
        only: how many objects it takes before it answers so.
        delay_s: before each answer.
        services: that it offers.
        knows_us: whether C-MOVE finds this program.
        deliver: how many pictures it delivers of those that it has; None for all.
        listed: how many pictures it lists of those that it has; None for all.
        closes: whether it hangs up instead of answering.
    """

    objects: list[Dataset] = field(default_factory=list)
    port: int = field(default_factory=free_port)
    own_port: int = field(default_factory=free_port)
    store_status: int = 0
    only: int = 0
    delay_s: float = 0.0
    services: tuple[str, ...] = (ECHO, FIND, GET, MOVE)
    knows_us: bool = True
    deliver: int | None = None
    listed: int | None = None
    closes: bool = False
    calls: list[str] = field(default_factory=list)
    stored: list[str] = field(default_factory=list)

    def archive(self, **changes: Any) -> Archive:
        values = {
            "name": "Faulty",
            "host": "127.0.0.1",
            "port": self.port,
            "title": "FAULTY",
            "own_port": self.own_port,
            "patience_s": 15,
        }
        return Archive.model_validate(values | changes)

    def _wait(self, event: Any, what: str) -> None:
        self.calls.append(what)
        if self.closes:
            event.assoc.abort()
        end = time.monotonic() + self.delay_s
        while time.monotonic() < end and event.assoc.is_established:
            time.sleep(0.02)

    def _matching(self, wanted: Dataset) -> Iterator[Dataset]:
        seen = set()
        keyword = {
            "STUDY": "StudyInstanceUID",
            "SERIES": "SeriesInstanceUID",
            "IMAGE": "SOPInstanceUID",
        }[wanted.QueryRetrieveLevel]
        for each in self.objects:
            asked = ("StudyInstanceUID", "SeriesInstanceUID", "PatientID", "SOPInstanceUID")
            if any(wanted.get(key) and str(wanted.get(key)) != str(each.get(key)) for key in asked):
                continue
            if each[keyword].value not in seen:
                seen.add(each[keyword].value)
                yield each

    def find(self, event: Any) -> Iterator[Any]:
        self._wait(event, "find")
        wanted = event.identifier
        pictures = wanted.QueryRetrieveLevel == "IMAGE"
        for each in list(self._matching(wanted))[: self.listed if pictures else None]:
            answer = Dataset()
            for element in wanted:
                if element.keyword in each:
                    answer[element.tag] = each[element.tag]
            answer.QueryRetrieveLevel = wanted.QueryRetrieveLevel
            yield 0xFF00, answer
        yield 0x0000, None

    def _delivered(self, event: Any) -> list[Dataset]:
        wanted = event.identifier
        wanted.QueryRetrieveLevel = "IMAGE"
        return list(self._matching(wanted))[: self.deliver]

    def get(self, event: Any) -> Iterator[Any]:
        self._wait(event, "get")
        found = self._delivered(event)
        yield len(found)
        for each in found:
            if self.delay_s:
                time.sleep(self.delay_s)
            yield 0xFF00, each

    def move(self, event: Any) -> Iterator[Any]:
        self._wait(event, "move")
        if not self.knows_us:
            yield None, None
            return
        yield "127.0.0.1", self.own_port, {"contexts": [build_context(kind, SYNTAXES[0]) for kind in CTS]}
        found = self._delivered(event)
        yield len(found)
        for each in found:
            yield 0xFF00, each

    def store(self, event: Any) -> int:
        self._wait(event, "store")
        if self.store_status and len(self.stored) >= self.only:
            return self.store_status
        found = pydicom.dcmread(io.BytesIO(event.encoded_dataset()))
        self.objects.append(found)
        self.stored.append(str(found.SOPInstanceUID))
        return 0x0000


@contextmanager
def faulty_archive(files: Path | None = None, **behaviour: Any) -> Iterator[Faulty]:
    """An archive that has the files of a folder."""
    found = Faulty(**behaviour)
    if files is not None:
        found.objects = [pydicom.dcmread(file) for file in sorted(files.glob("*.dcm"))]
    entity = AE(ae_title="FAULTY")
    entity.require_called_aet = True
    entity.network_timeout = 30
    for service in found.services:
        entity.add_supported_context(service)
    roles = {"scu_role": True, "scp_role": True}
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, list(SYNTAXES), **roles)
    handlers = [
        (evt.EVT_C_FIND, found.find),
        (evt.EVT_C_GET, found.get),
        (evt.EVT_C_MOVE, found.move),
        (evt.EVT_C_STORE, found.store),
    ]
    server = entity.start_server(("127.0.0.1", found.port), block=False, evt_handlers=handlers)
    try:
        yield found
    finally:
        server.shutdown()
