"""``python -m benchmarks.other_family MESHES --seed 1-8 --out DIR``: draw cases, and say what is wrong with them."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from benchmarks.other_family.draw import draw, faults, write
from benchmarks.other_family.skeleton import read_skeleton


def main() -> int:
    """Draw what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("meshes", type=Path, help="folder of the BodyParts3D lumbosacral surfaces (GLB)")
    parser.add_argument("--seed", default="1-8", help="a number from 1, or a range (default: 1-8)")
    parser.add_argument("--out", type=Path, required=True, help="folder for the cases")
    options = parser.parse_args()
    first, last = (
        re.fullmatch(r"(\d+)(?:-(\d+))?", options.seed) or parser.error("--seed takes N or N-M")
    ).groups()
    skeleton = read_skeleton(options.meshes)
    wrong = 0
    for number in range(int(first), int(last or first) + 1):
        case = draw(skeleton, number)
        write(case, options.out / f"case-{number}")
        told = faults(case)
        wrong += bool(told)
        sys.stdout.write(f"case {number}: {'; '.join(told) or 'sound'}\n")
        sys.stdout.flush()
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
