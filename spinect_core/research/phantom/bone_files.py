"""Bones from files: a folder of surfaces named by bone, or a label map."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from spinect_core.base.arrays import FloatArray
from spinect_core.base.errors import ReadingError
from spinect_core.base.files import is_there, read_bounded
from spinect_core.base.progress import Cancel, Progress, check, silent
from spinect_core.base.reasons import reason
from spinect_core.io.reading.images import bare_name, is_image_name, read_numbers
from spinect_core.research.phantom.bone_frames import inner_points, measure, probe
from spinect_core.research.phantom.bone_placement import centre_of_mass, in_specimen, meet_neighbours, to_lps
from spinect_core.research.phantom.bone_routes import lay_ways
from spinect_core.research.phantom.bone_surfaces import (
    Triangles,
    field_from_mask,
    field_from_surface,
    triangles_of,
)
from spinect_core.research.phantom.from_bones import BoneField, BoneSet

SURFACES = (".ply", ".stl", ".obj", ".glb", ".gltf", ".vtp", ".vtk")
NAMES_FILE = "names.txt"
LARGEST_NAMES = 1_000_000
TOTALSEGMENTATOR = {
    25: "sacrum", 26: "sacrum", 27: "L5", 28: "L4", 29: "L3", 77: "hip left", 78: "hip right"
}  # fmt: skip
"""Numbers of TotalSegmentator's task ``total``, version 2; S1 is a part of the sacrum there."""
NEEDED = ("L3", "L4", "L5", "sacrum")
ORDINALS = {"L3": "third lumbar", "L4": "fourth lumbar", "L5": "fifth lumbar"}
EXTENT = {"L3": (50, 135), "L4": (50, 135), "L5": (50, 135), "sacrum": (70, 185), "hips": (150, 340)}
"""Least and greatest length in mm of a bone along its longest side: what an adult's bone may have."""
EXTENT |= {"hip left": (110, 270), "hip right": (110, 270)}
UNITS = {"mm": 1.0, "cm": 10.0, "m": 1000.0}
FINE, COARSE = 1.2, 2.0
"""mm between the samples of spine and hip bones."""


def read_bones(
    path: Path | str,
    *,
    frame: str | None = None,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> BoneSet:
    """Bones from a folder or a file, with frames, measurements and the courses of the nerves found on them.

    Args:
        path: a folder of surfaces named by bone (PLY, STL, OBJ, GLB, VTP), or a label map (NIfTI, NRRD,
            MetaImage), or a folder that holds one; beside a label map a file ``names.txt`` may hold lines such
            as ``27 L5``, otherwise the numbers of TotalSegmentator are expected.
        frame: ``LPS`` or ``RAS``, the axes of the surfaces; found on the bones when absent.
        progress: called with the fraction done (0 to 1) and the stage.
        cancel: stops it.

    Raises:
        ReadingError: a bone is missing, not closed, of impossible size, or left and right are swapped.
    """
    path = Path(path)
    try:
        if not is_there(path):
            raise ReadingError("There is no such file or folder", "Check the path", path)
        files = sorted(file for file in path.iterdir() if file.is_file()) if path.is_dir() else [path]
    except OSError as error:
        raise ReadingError(
            f"The bones cannot be read ({error.strerror or error})",
            "Check the path and its permissions",
            path,
        ) from error
    if frame not in (None, "LPS", "RAS"):
        raise ReadingError(f"There are no axes '{frame}'", "Give LPS or RAS as the axes of the surfaces")
    surfaces = [file for file in files if file.suffix.lower() in SURFACES]
    images = [file for file in files if is_image_name(file.name)]
    if surfaces:
        fields = _from_surfaces(path, surfaces, frame, progress, cancel)
    elif images:
        fields = _from_label_maps(path, images, progress, cancel)
    else:
        raise ReadingError(
            "There are no surfaces and no label map",
            "Give a folder of PLY, STL, OBJ, GLB or VTP files named by bone, or a NIfTI or NRRD label map",
            path,
        )
    fields["hips"] = _joined(fields)
    check(cancel)
    progress(0.6, "measuring the bones")
    fields, skeleton = in_specimen(fields, measure(fields))
    check(cancel)
    progress(0.8, "laying the nerves")
    ways = lay_ways(fields, skeleton)
    progress(1.0, "ready")
    name = path.name if path.is_dir() else bare_name(path)
    return BoneSet(name, fields, skeleton, ways.routes, ways.sac, ways.sacral_fat, ways.through_bone)


def bone_named(text: str) -> str | None:
    """The bone that a file's or a label's name means, or None.

    ``L5``, ``vertebra_L5``, ``Fifth lumbar vertebra`` and the like; ``S1`` and ``sacrum``; ``hips``, ``pelvis``;
    ``hip left``, ``Left hip bone``, ``ilium_l``.
    """
    plain = re.sub(r"[^a-z0-9]+", " ", text.lower())
    if re.search(r"\bdis[ck]s?\b|muscle|nerve|ligament|cartilage|artery|vein|psoas|iliac|lumbricals", plain):
        return None
    for name, ordinal in ORDINALS.items():
        if re.search(rf"\b{name.lower()}\b", plain) or f"{ordinal} vertebra" in plain:
            return name
    if re.search(r"\bsacrum\b|\bs1\b", plain):
        return "sacrum"
    if re.search(r"\bhips?\b|\bpelvis\b|\bilium\b|\bilia\b|\binnominate\b", plain):
        if re.search(r"\bleft\b|\bl\b", plain):
            return "hip left"
        return "hip right" if re.search(r"\bright\b|\br\b", plain) else "hips"
    return None


def _complete(found: set[str], path: Path, how: str) -> None:
    missing = [name for name in NEEDED if name not in found]
    if "hips" not in found:
        missing += [name for name in ("hip left", "hip right") if name not in found]
    if missing:
        raise ReadingError(f"Bones are missing: {', '.join(missing)}", how, path)


def _from_surfaces(
    folder: Path, files: list[Path], frame: str | None, progress: Progress, cancel: Cancel | None
) -> dict[str, BoneField]:
    named: dict[str, Path] = {}
    for file in files:
        name = bone_named(file.stem)
        if name in named:
            raise ReadingError(
                f"Both {named[name].name} and {file.name} are called {name}", "Leave one of them", folder
            )
        if name:
            named[name] = file
    _complete(set(named), folder, "Add a surface called after each, such as L3.ply or 'hip left.stl'")
    soups: dict[str, Triangles] = {}
    for number, (name, file) in enumerate(named.items()):
        check(cancel)
        progress(0.2 * number / len(named), f"reading {file.name}")
        soups[name] = triangles_of(file)
    soups, odd = _in_millimetres(soups, named)
    soups = to_lps(soups, frame, odd, folder)
    middles = {name: soup.reshape(-1, 3).mean(axis=0) for name, soup in soups.items() if name not in odd}
    l4 = soups["L4"].reshape(-1, 3)
    _check_sides(middles, (l4.min(axis=0) + l4.max(axis=0)) / 2 - centre_of_mass(soups["L4"]), folder)
    fields: dict[str, BoneField] = {}
    order = sorted(soups, key=lambda name: name in odd)
    for number, name in enumerate(order):
        check(cancel)
        progress(0.2 + 0.4 * number / len(order), f"filling {named[name].name}")
        if name in odd:
            soups[name] = meet_neighbours(soups[name], fields, EXTENT[name], named[name])
        hip = name.startswith("hip")
        fields[name] = field_from_surface(
            soups[name], COARSE if hip else FINE, 36.0 if hip else 12.0, named[name]
        )
    return fields


def _in_millimetres(
    soups: dict[str, Triangles], files: dict[str, Path]
) -> tuple[dict[str, Triangles], list[str]]:
    """The surfaces in mm, and the names of those in a unit of their own."""
    sizes = {name: float(np.ptp(soup.reshape(-1, 3), axis=0).max()) for name, soup in soups.items()}
    units = {}
    for name, size in sizes.items():
        low, high = EXTENT[name]
        fitting = [factor for factor in UNITS.values() if low <= size * factor <= high]
        units[name] = fitting[0] if fitting else None
    known = [unit for unit in units.values() if unit]
    common = max(set(known), key=known.count) if known else None
    odd = [name for name, unit in units.items() if unit != common]
    if common is None or any(name != "sacrum" for name in odd):
        name = next((n for n in odd if n != "sacrum"), next(iter(soups)))
        raise ReadingError(
            f"{name} is {sizes[name]:.3g} units long, which is no bone in mm, cm or m",
            "Export all bones in millimetres, from one body",
            files[name],
        )
    return {name: soup * common for name, soup in soups.items()}, odd


def _from_label_maps(
    path: Path, files: list[Path], progress: Progress, cancel: Cancel | None
) -> dict[str, BoneField]:
    folder = path if path.is_dir() else path.parent
    numbers = _names(folder / NAMES_FILE) if (folder / NAMES_FILE).exists() else TOTALSEGMENTATOR
    fault: ReadingError | None = None
    for file in files:
        check(cancel)
        progress(0.0, f"reading {file.name}")
        array, geometry = read_numbers(file)
        if array.min() < 0 or (array.dtype.kind == "f" and np.any(array % 1)):
            continue
        present = {int(n) for n in np.unique(array)}
        found = {numbers[n] for n in present if n in numbers}
        try:
            _complete(
                found, file, f"Name the numbers of the label map in {NAMES_FILE}, lines such as '27 L5'"
            )
        except ReadingError as error:
            fault = fault or error
            continue
        fields: dict[str, BoneField] = {}
        for count, name in enumerate(sorted(found)):
            check(cancel)
            progress(0.1 + 0.5 * count / len(found), f"sampling {name}")
            mask = np.isin(array, [n for n in present if numbers.get(n) == name])
            hip = name.startswith("hip")
            if mask.sum() * geometry.voxel_volume < 3000.0:
                raise ReadingError(
                    f"{name} holds only {mask.sum() * geometry.voxel_volume / 1000:.1f} cm³",
                    "Check the spacing (mm) and the numbers of the label map",
                    file,
                )
            fields[name] = field_from_mask(mask, geometry, COARSE if hip else FINE, 36.0 if hip else 12.0)
            low, high = EXTENT[name]
            length = float(np.ptp(inner_points(fields[name], 4000), axis=0).max())
            if not 0.4 * low <= length <= 1.2 * high:
                raise ReadingError(
                    f"{name} is {length:.0f} mm long, which no such bone is",
                    "Check the spacing of the label map; it has to be in mm",
                    file,
                )
        middles = {name: inner_points(field, 2000).mean(axis=0) for name, field in fields.items()}
        l4 = inner_points(fields["L4"], 4000)
        _check_sides(middles, (l4.min(axis=0) + l4.max(axis=0)) / 2 - middles["L4"], file)
        return fields
    raise fault or ReadingError(
        "None of the images is a label map", "Give whole numbers from 0, one for each bone", path
    )


def _names(file: Path) -> dict[int, str]:
    """Numbers and bones of a names file."""
    try:
        text = read_bounded(file, LARGEST_NAMES).decode("utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise ReadingError(
            f"The names of the bones cannot be read ({reason(error)})", "Save the file as UTF-8 text", file
        ) from error
    out = {}
    for line in text.splitlines():
        found = re.match(r"\s*(\d+)[\s,;:=]+(.+)", line)
        name = bone_named(found.group(2)) if found else None
        if found and name:
            out[int(found.group(1))] = name
    return out


def _check_sides(middles: dict[str, FloatArray], backwards: FloatArray, path: Path) -> None:
    """Refuse bones that lie as no patient does.

    Args:
        middles: (3,) by bone, LPS mm.
        backwards: from the centre of mass of L4 to the middle of its box; the spinous process draws the latter.
        path: for messages.
    """
    if "hip left" in middles and middles["hip left"][0] < middles["hip right"][0]:
        raise ReadingError(
            "Left and right are swapped: what is called the left hip lies on the right",
            "Name the hips the other way round, or export the bones unmirrored (RAS or LPS)",
            path,
        )
    if middles["L3"][2] < middles["L5"][2]:
        raise ReadingError(
            "L3 lies below L5: the bones stand on their head",
            "Check the orientation of the file, and the names of the bones",
            path,
        )
    if backwards[1] < 0:
        raise ReadingError(
            "The spinous process of L4 points to the front",
            "Check the orientation of the file (LPS: y to the back; RAS: y to the front)",
            path,
        )


def _joined(fields: dict[str, BoneField]) -> BoneField:
    """Both hip bones as one field; takes the single ones out of ``fields``."""
    if "hips" in fields:
        for name in ("hip left", "hip right"):
            fields.pop(name, None)
        return fields["hips"]
    left, right = fields.pop("hip left"), fields.pop("hip right")
    low = np.minimum(left.geometry.origin, right.geometry.origin)
    high = np.maximum(left.geometry.corners().max(axis=0), right.geometry.corners().max(axis=0))
    count = np.ceil((high - low) / COARSE).astype(int)
    geometry = replace(left.geometry, shape=(count[2], count[1], count[0]), origin=(low[0], low[1], low[2]))
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in geometry.shape], indexing="ij"), axis=-1)
    points = geometry.to_patient(grid)
    return BoneField(np.minimum(probe(left, points), probe(right, points)), geometry)
