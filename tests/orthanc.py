"""A real archive for the tests: Orthanc on this computer alone, in a folder of its own."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from spinect_core.io.pacs.archive import Archive

PROGRAM = shutil.which("Orthanc", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER, PASSWORD = "planner", "Kennwort-Zitronenfalter"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@dataclass
class Orthanc:
    """An archive that can be killed and started again; what it has stays."""

    folder: Path
    web_port: int = field(default_factory=free_port)
    port: int = field(default_factory=free_port)
    own_port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    def archive(self, **changes: object) -> Archive:
        """How it is reached, by both protocols."""
        values: dict[str, object] = {
            "name": "Orthanc",
            "web": f"http://127.0.0.1:{self.web_port}/dicom-web",
            "user": USER,
            "host": "127.0.0.1",
            "port": self.port,
            "title": "ORTHANC",
            "own_port": self.own_port,
            "patience_s": 20,
        }
        return Archive.model_validate(values | changes)

    def by_dimse(self, **changes: object) -> Archive:
        return self.archive(**{"web": "", "user": "", **changes})

    def by_web(self, **changes: object) -> Archive:
        return self.archive(**{"host": "", "port": 0, "title": "", **changes})

    def start(self, **settings: object) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = {
            "Name": "test",
            "StorageDirectory": str(self.folder / "db"),
            "IndexDirectory": str(self.folder / "db"),
            "Plugins": [str(PLUGIN)],
            "HttpPort": self.web_port,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": True,
            "RegisteredUsers": {USER: PASSWORD},
            "DicomAet": "ORTHANC",
            "DicomPort": self.port,
            "DicomCheckCalledAet": True,
            "DicomModalities": {"planner": ["SPINECT", "127.0.0.1", self.own_port]},
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
            "UnknownSopClassAccepted": True,
            "HttpThreadsCount": 4,
            "DicomThreadsCount": 4,
            **settings,
        }
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(configuration))
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen([str(PROGRAM), str(path)], stdout=log, stderr=log)
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1):
                    self.rest("system")
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "log.txt").read_text())

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)
            self.process = None

    def rest(self, path: str, data: bytes | None = None, method: str | None = None) -> object:
        """Orthanc's own interface, which the program does not know."""
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        address = f"http://127.0.0.1:{self.web_port}/{path}"
        passwords.add_password(None, address, USER, PASSWORD)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPBasicAuthHandler(passwords)
        )
        with opener.open(urllib.request.Request(address, data, method=method), timeout=20) as answer:
            content = answer.read()
        return json.loads(content) if "json" in answer.headers.get("Content-Type", "") else content

    def fill(self, folder: Path) -> None:
        """Put the files of a folder in."""
        for file in sorted(folder.rglob("*.dcm")):
            self.rest("instances", file.read_bytes(), "POST")

    def empty(self) -> None:
        for each in self.rest("patients"):
            self.rest(f"patients/{each}", method="DELETE")

    def objects(self) -> dict[str, bytes]:
        """The files that it has, by SOPInstanceUID."""
        return {
            self.rest(f"instances/{each}/simplified-tags")["SOPInstanceUID"]: self.rest(
                f"instances/{each}/file"
            )
            for each in self.rest("instances")
        }


@contextmanager
def running_orthanc(folder: Path, **settings: object) -> Iterator[Orthanc]:
    found = Orthanc(folder)
    found.start(**settings)
    try:
        yield found
    finally:
        found.kill()
