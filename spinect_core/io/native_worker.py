"""The process that reads image files by native code, started by `spinect_core.io.reading.native_process`.

It takes one request a line on standard input, ``{"path": ..., "reader": ...}``, and answers each with a line of JSON
(the grid as the reader has it, the type and shape of the numbers) and the numbers behind it. A damaged file may end it.
It ends by itself when its standard input does, that is with its parent.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import sys
import threading
from typing import IO, Any

from spinect_core.base.decimal_point import keep_decimal_point

READERS = ("NrrdImageIO", "MetaImageIO", "GDCMImageIO")


def _end_with_the_parent(requests: queue.Queue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _read(path: str, name: str) -> tuple[dict[str, Any], Any]:
    """The grid and the numbers of a file."""
    import SimpleITK as sitk

    keep_decimal_point()
    if name not in READERS:
        raise RuntimeError(f"there is no reader {name}")
    reader = sitk.ImageFileReader()
    reader.SetImageIO(name)
    reader.SetFileName(path)
    image = reader.Execute()
    array = sitk.GetArrayViewFromImage(image)
    facts = {
        "spacing": image.GetSpacing(),
        "origin": image.GetOrigin(),
        "direction": image.GetDirection(),
        "shape": array.shape,
        "dtype": array.dtype.str,
        "bytes": array.nbytes,
    }
    return facts, (array, image)


def _answer(line: bytes, stream: IO[bytes]) -> None:
    request = json.loads(line)
    try:
        facts, kept = _read(request["path"], request["reader"])
        if facts["bytes"] != request["expected"]:
            raise RuntimeError(f"it holds {facts['bytes']} bytes of numbers, not {request['expected']}")
    except (RuntimeError, MemoryError) as error:
        stream.write(json.dumps({"error": str(error) or "the memory does not suffice"}).encode() + b"\n")
    else:
        stream.write(json.dumps(facts).encode() + b"\n")
        stream.write(kept[0].data.cast("B"))
    stream.flush()


def _leave_nothing() -> None:
    """No picture of this process's memory, which holds a patient's CT, if it dies."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(arguments: list[str]) -> int:
    """Answer requests until the parent is gone."""
    keep_decimal_point()
    stream = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is the parent's, which ends this process
    _leave_nothing()
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    requests: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_end_with_the_parent, args=(requests,), daemon=True).start()
    stream.write(b'{"ready": true}\n')
    stream.flush()
    # From here on a decoder may say what it likes.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    while True:
        try:
            _answer(requests.get(), stream)
        except OSError:  # the parent has ended or stopped listening
            return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
