"""The process that `make_apart` starts: plans one CT, and writes the objects of its plan."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from spinect_core.base.errors import SpinectError
from spinect_core.base.files import write_whole
from spinect_core.base.log import write_log
from spinect_core.base.scratch import scratch_folder
from spinect_core.pipeline.serving import FAULT


def main(arguments: Sequence[str]) -> int:
    """Plan and write.

    Args:
        arguments: folder of the CT, folder of the objects, options as JSON.
    """
    from spinect_core.pipeline.dicom_export import Kind, export_dicom
    from spinect_core.pipeline.plan_case import plan_case
    from spinect_core.pipeline.report import read_source

    ct, out, options = Path(arguments[0]), Path(arguments[1]), json.loads(arguments[2])
    kinds = [Kind(each) for each in options.pop("what")]
    try:
        with scratch_folder() as folder:
            plan_case(ct, folder / "plan", **options)
            export_dicom(read_source(folder / "plan", labels=True, views=True), ct, out, kinds)
    except SpinectError as error:
        # Without where it was found: paths of the spool mean nothing to anybody.
        told = json.dumps({"fault": error.fault, "remedy": error.remedy})
        write_whole(out / FAULT, told.encode("utf-8"))
        return error.exit_code
    except Exception as error:
        write_log(error)
        return 70
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
