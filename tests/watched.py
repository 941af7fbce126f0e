"""Runs a program with an empty home and says what it connects to and leaves there."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Python looks for a module of this name at every start; children inherit where it lies.
SITECUSTOMIZE = """\
import os, sys

WATCHED = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"}

def note(event, arguments):
    if event in WATCHED:
        target = arguments[-1] if event in ("socket.connect", "socket.sendto", "socket.sendmsg") else arguments[0]
        handle = os.open(os.environ["WATCHED_LOG"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(handle, f"{event} {target!r} by {sys.argv[:3]}\\n".encode())
        os.close(handle)

sys.addaudithook(note)
"""
INHERITED = {"PATH", "DISPLAY", "XAUTHORITY", "LD_LIBRARY_PATH", "LIBGL_ALWAYS_SOFTWARE", "VIRTUAL_ENV"}
OWN = (".cache/spinect-planner", ".config/SPINECT", ".local/state/spinect-planner")
OF_THE_SYSTEM = (".cache/fontconfig",)
"""Its own index of its fonts, made for whichever program asks first."""


@dataclass(frozen=True)
class Watched:
    """What a program did.

    Attributes:
        code: its exit code.
        said: its standard output and error.
        connections: what it and its children looked up or connected to.
        home: files in its home, as paths from there.
        left: files in its folder for temporary files.
    """

    code: int
    said: str
    connections: list[str]
    home: list[str]
    left: list[str]

    @property
    def foreign(self) -> list[str]:
        """What is in the home and not in a folder that the documents name."""
        places = (*OWN, *OF_THE_SYSTEM)
        return [name for name in self.home if not any(name.startswith(f"{place}/") for place in places)]


@contextmanager
def proxy(heard: list[str]) -> Iterator[str]:
    """A proxy that takes connections, notes their first line and hangs up; gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(2)
                    try:
                        heard.append(f"proxy: {connection.recv(200).splitlines()[:1]}")
                    except OSError:
                        heard.append("proxy: a connection")

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def watch(words: list[str], folder: Path, timeout_s: float = 600) -> Watched:
    """Run Python with these words, in an environment of its own.

    Args:
        words: what follows ``python``.
        folder: an empty folder for its home and all else.
        timeout_s: how long it may take.
    """
    for name in ("home", "temporary", "site"):
        (folder / name).mkdir(parents=True)
    (folder / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    log = folder / "connections.txt"
    heard: list[str] = []
    with proxy(heard) as address:
        environment = {name: value for name, value in os.environ.items() if name in INHERITED}
        environment |= {
            "HOME": str(folder / "home"),
            "TMPDIR": str(folder / "temporary"),
            "PYTHONPATH": os.pathsep.join([str(folder / "site"), str(ROOT)]),
            "WATCHED_LOG": str(log),
            **{f"{name}_PROXY": address for name in ("HTTP", "HTTPS", "ALL")},
            **{f"{name}_proxy": address for name in ("http", "https", "all")},
        }
        done = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    noted = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return Watched(
        done.returncode,
        done.stdout + done.stderr,
        noted + heard,
        *(
            sorted(
                path.relative_to(folder / name).as_posix()
                for path in (folder / name).rglob("*")
                if not path.is_dir()
            )
            for name in ("home", "temporary")
        ),
    )
