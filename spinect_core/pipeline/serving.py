"""A service: CTs come in by C-STORE, are planned, and the objects of the plan go to an archive."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom

from spinect_core.base.child import start_child
from spinect_core.base.errors import ArchiveError, Cancelled, OutputError, SpinectError, WorkerError
from spinect_core.base.progress import Cancel, check
from spinect_core.io.pacs.archive import Access
from spinect_core.io.pacs.arriving import CTS, FULL, NO_CT, NOT_UNDERSTOOD, SUCCESS, SYNTAXES
from spinect_core.io.pacs.dimse import ECHO, application
from spinect_core.io.pacs.send import send_objects
from spinect_core.io.pacs.spool import Full, Spool
from spinect_core.io.pacs.wanted import is_uid

HERE = "127.0.0.1"
"""Where it listens unless told otherwise: at this computer alone."""
LOOK_S, AGAIN_S, LONGEST_PAUSE_S = 0.2, 5.0, 60.0
BROKEN = 20
"""How many times as long is waited for the rest of a series that was broken off."""
FAULT = "fault.json"
_HEAD = ["SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "Modality"]

Make = Callable[[Path, Path, "Cancel | None"], None]
"""Makes objects of a folder of pictures in another folder."""


@dataclass(frozen=True)
class Station:
    """Where and as what the service listens.

    Attributes:
        title: that it is called by; another one is rejected.
        port: to listen at.
        address: of this computer to listen at.
        senders: titles that may send; empty for any.
    """

    title: str
    port: int
    address: str = HERE
    senders: tuple[str, ...] = ()


class Service:
    """Takes, plans and sends until it is stopped; what was begun before is finished first.

    Args:
        spool: the journal.
        access: where the objects go.
        make: makes them.
        settle_s: after so long without another picture a series counts as whole.
        told: hears of each step; no word of a patient.
    """

    def __init__(
        self,
        spool: Spool,
        access: Access,
        make: Make,
        settle_s: float = 15.0,
        told: Callable[[str], None] = print,
    ) -> None:
        self._spool, self._access, self._make = spool, access, make
        self._settle_s, self._told = settle_s, told
        self._pause_s, self._not_before = AGAIN_S, 0.0
        self._brought: dict[Any, set[str]] = {}

    @contextmanager
    def listening(self, station: Station) -> Iterator[None]:
        """Listen while this is open.

        Raises:
            ArchiveError: the port or the address cannot be had.
        """
        from pynetdicom import evt

        entity = application(station.title, 30.0)
        entity.require_called_aet = True
        entity.require_calling_aet = list(station.senders)
        entity.maximum_associations = 8
        for kind in CTS:
            entity.add_supported_context(kind, list(SYNTAXES))
        entity.add_supported_context(ECHO, list(SYNTAXES[:2]))
        handlers: list[Any] = [
            (evt.EVT_C_STORE, self._on_store),
            (evt.EVT_RELEASED, self._on_end),
            (evt.EVT_CONN_CLOSE, lambda event: self._brought.pop(event.assoc, None)),
        ]
        try:
            server = entity.start_server((station.address, station.port), block=False, evt_handlers=handlers)
        except OSError as error:
            raise ArchiveError(
                f"This program cannot listen at {station.address}:{station.port} ({error.strerror or 'refused'})",
                "Choose another port or address",
            ) from error
        try:
            yield
        finally:
            server.shutdown()

    def _on_store(self, event: Any) -> int:
        content = event.encoded_dataset()
        try:
            head = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True, specific_tags=list(_HEAD))
            kind, uid, study, series, modality = (_text(head.get_item(key)) for key in _HEAD)
        except Exception:  # pydicom raises of many kinds on what is none
            return NOT_UNDERSTOOD
        if kind not in CTS or modality != "CT" or not all(map(is_uid, (uid, study, series))):
            return NO_CT
        try:
            key = self._spool.take(study, series, uid, content)
        except (Full, OutputError):
            return FULL
        self._brought.setdefault(event.assoc, set()).add(key)
        return SUCCESS

    def _on_end(self, event: Any) -> None:
        self._spool.ended(self._brought.pop(event.assoc, ()))

    def run(self, cancel: Cancel) -> None:
        """Work until it is stopped."""
        while not cancel.is_set():
            self._spool.claim(self._settle_s, BROKEN * self._settle_s)
            if not self.step(cancel):
                time.sleep(LOOK_S)

    def step(self, cancel: Cancel | None = None) -> bool:
        """Do what can be done next; whether there was anything."""
        did = False
        for key in self._spool.jobs:
            if cancel is not None and cancel.is_set():
                return True
            if self._spool.objects(key) is None:
                did |= self._plan(key, cancel)
            if self._spool.objects(key) is not None and time.monotonic() >= self._not_before:
                did |= self._send(key, cancel)
        return did

    def _plan(self, key: str, cancel: Cancel | None) -> bool:
        folder = self._spool.unfinished()
        try:
            self._make(self._spool.pictures(key), folder, cancel)
        except Cancelled:
            shutil.rmtree(folder, ignore_errors=True)
            return False
        except SpinectError as error:
            shutil.rmtree(folder, ignore_errors=True)
            self._spool.fail(key)
            self._told(f"failed    {key}: {error}")
            return True
        self._spool.made(key, folder)
        self._told(f"planned   {key}")
        return True

    def _send(self, key: str, cancel: Cancel | None) -> bool:
        files = self._spool.objects(key) or ()
        try:
            done = send_objects(self._access, files, cancel=cancel)
        except Cancelled:
            return False
        except SpinectError as error:
            self._wait(key, str(error))
            return False
        if done.result.refused:
            self._wait(key, next(iter(done.result.refused.values())))
            return False
        self._pause_s, self._not_before = AGAIN_S, 0.0
        self._spool.finish(key, len(files))
        self._told(f"sent      {key}: {len(files)} objects by {done.way}")
        return True

    def _wait(self, key: str, why: str) -> None:
        self._told(f"waits     {key}: {why} (again in {self._pause_s:.0f} s)")
        self._not_before = time.monotonic() + self._pause_s
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)


def _text(element: Any) -> str:
    value = element.value
    return value.decode("ascii").strip(" \0") if isinstance(value, bytes) else str(value)


def make_apart(ct: Path, out: Path, cancel: Cancel | None, options: str = "{}") -> None:
    """Plan a CT and write the objects of its plan, in a process of its own that gives all its memory back.

    Args:
        ct: folder of its pictures.
        out: an empty folder.
        cancel: stops it within a second.
        options: of the planning, as JSON: engine, device, mode, what.

    Raises:
        SpinectError: no plan can be made of it.
        Cancelled: it was stopped.
    """
    process = start_child("serving", ct, out, options, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        while process.poll() is None:
            check(cancel)
            time.sleep(LOOK_S)
    except BaseException:
        process.kill()
        process.wait()
        raise
    fault = out / FAULT
    if fault.exists():
        told = json.loads(fault.read_text(encoding="utf-8"))
        raise SpinectError(str(told["fault"]), str(told["remedy"]))
    if process.returncode:
        raise WorkerError(
            f"The process that plans ended by itself (code {process.returncode})", "Plan this CT by hand"
        )
