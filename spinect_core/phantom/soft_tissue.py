"""Soft tissue around the bones: fat, muscle, bowel, vessels, skin."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from spinect_core.phantom.parameters import Specimen
from spinect_core.phantom.sdf import (
    Coordinates,
    Lattice,
    capsule,
    ellipsoid,
    smooth_max,
    smooth_min,
    stretched,
    superellipse,
)
from spinect_core.volume import FloatArray, LabelArray

OUTSIDE_HU = -1000.0


def cover(tissue: FloatArray, distance: FloatArray, value: FloatArray | float, edge: float) -> None:
    """Lay a solid over the tissue map in place, its edge antialiased over ``edge`` mm."""
    part = np.clip(0.5 - distance / edge, 0.0, 1.0)
    tissue += part * (value - tissue)


def texture(shape: tuple[int, ...], grain: float, rng: np.random.Generator) -> FloatArray:
    """Smooth random field of unit SD with structures of about ``grain`` voxels."""
    factor = max(grain / 3.0, 1.0)
    small = [max(int(np.ceil(n / factor)) + 2, 4) for n in shape]
    field = gaussian_filter(rng.standard_normal(small), 1.2)
    field /= max(float(field.std()) * (0.85 if factor > 1.0 else 1.0), 1e-9)
    for axis, (n, few) in enumerate(zip(shape, small, strict=True)):
        field = stretched(field, np.linspace(0.0, few - 1.0, n), np.arange(few, dtype=np.float64), axis)
    return np.asarray(field)


def body_outline(p: Coordinates, skin_back: float, half_width: float, front: float) -> FloatArray:
    """Signed distance of the skin: a rounded trunk, flat at the back."""
    centre = (skin_back + front) / 2
    half = (skin_back - front) / 2
    r = superellipse(p[0], p[1] - centre, np.asarray(half_width), np.asarray(half), 2.6)
    return np.asarray((r - 1.0) * half * 0.9)


def fill_trunk(
    whole: Coordinates,
    lattice: Lattice,
    hip_whole: FloatArray,
    bone_whole: FloatArray,
    specimen: Specimen,
    edge: float,
    rng: np.random.Generator,
    structures: LabelArray,
) -> FloatArray:
    """Tissue map in HU of the trunk without spine and nerves.

    Args:
        whole: coordinates of the voxels in the frame of the specimen.
        lattice: the coarse sampling on which muscles and vessels are evaluated.
        hip_whole: signed distance of the hip bones.
        bone_whole: signed distance of all bones.
        specimen: the measures.
        edge: mm over which edges are antialiased (about a voxel).
        rng: random stream of the soft tissue.
        structures: numbers of the structures [z, y, x], written in place.
    """
    shape = whole[0].shape
    up = lattice.refine
    p = lattice.sample(whole)
    hip = hip_whole[np.ix_(*lattice.picks)]
    x, y, z = p
    ax = np.abs(x)
    fat = specimen.fat + 6.0 * texture(shape, 14.0, rng)
    muscle = specimen.muscle + 5.0 * texture(shape, 9.0, rng)
    # Fatty streaks: more of them in a muscle of low attenuation, as in the ageing multifidus.
    streak = texture(shape, 7.0, rng)
    streaks = float(rng.uniform(0.7, 2.2)) - 4.0 * specimen.finding("obesity", "muscle_fat")
    streaky = muscle - np.clip(streak - streaks, 0.0, 1.2) * 95.0

    skin_back = max(24.0 + specimen.skin_depth, 74.0)
    # However thick the fat, three centimetres and more of muscle lie under it.
    subcutaneous = min(float(rng.uniform(10.0, 32.0)), skin_back - 56.0)
    padding = specimen.finding("obesity", "subcutaneous")
    subcutaneous = max(subcutaneous, padding)
    half_width = float(rng.uniform(158.0, 185.0))
    front = -float(rng.uniform(115.0, 150.0))
    half_width += 0.7 * padding
    front -= 0.7 * padding
    # The back bulges towards the buttocks, and skin and fat cover every bone.
    bulge = float(rng.uniform(2.0, 24.0)) * np.clip((25.0 - z) / 90.0, 0.0, 1.0)
    skin = body_outline(
        (x, y - bulge * np.clip((y + 20.0) / 90.0, 0.0, 1.0), z), skin_back, half_width, front
    )
    cover_mm = float(rng.uniform(6.0, 14.0))
    skin = smooth_min(skin, bone_whole[np.ix_(*lattice.picks)] - cover_mm, 8.0)
    tissue = np.full(shape, OUTSIDE_HU)
    skin_whole = up(skin)
    cover(tissue, skin_whole, 25.0, edge)
    cover(tissue, skin_whole + 2.0, fat, edge)
    fascia = skin + subcutaneous + 0.6 * bulge
    wall = np.maximum(fascia, -(fascia + float(rng.uniform(9.0, 16.0))))
    cover(tissue, up(np.maximum(wall, y - 26.0)), streaky, edge)

    bowel = texture(shape, 26.0, rng)
    region = up(np.maximum(fascia + 18.0, y + float(rng.uniform(34.0, 48.0))))
    cover(
        tissue,
        np.maximum(region, (0.55 - np.abs(bowel)) * 14.0),
        32.0 + 10.0 * texture(shape, 8.0, rng),
        edge,
    )
    cover(tissue, np.maximum(region, (1.5 - bowel) * 14.0), -930.0, edge)

    # Behind laminae and transverse processes all is muscle up to the fascia: multifidus and erector spinae, with fat in
    # the cleft between them, and on the sacrum only the narrow end of the multifidus.
    floor = 19.0 + 0.9 * np.maximum(-z, 0.0)
    width = np.interp(z, [-90.0, -40.0, 0.0, 40.0, 90.0], [18.0, 34.0, 50.0, 63.0, 66.0])
    back = smooth_max(smooth_max(fascia + 2.0, floor - y, 8.0), ax - width, 12.0)
    multifidus = ellipsoid((ax, y - 0.10 * z, z), (14.0, 44.0, 0.0), (17.0, 26.0, 140.0))
    cleft = float(rng.uniform(0.0, 1.3)) - np.abs(multifidus) * 0.6 - 0.7 * streak[np.ix_(*lattice.picks)]
    cleft = np.maximum(cleft, 26.0 - y)
    cover(tissue, up(np.maximum(back, cleft)), streaky, edge)

    lumborum = ellipsoid((ax, y, z), (76.0, 24.0, 70.0), (24.0, 11.0, 48.0))
    # The psoas lies against the bodies in some and apart from them in others.
    near = float(rng.uniform(-10.0, 0.0))
    top, bottom = (41.0 + near, -4.0, 110.0), (66.0, -62.0, -95.0)
    middle = (46.0 + near, -14.0, 20.0)
    psoas = np.minimum(
        capsule((ax, y, z), top, middle, (15.0, 20.0)), capsule((ax, y, z), middle, bottom, (20.0, 18.0))
    )
    cover(tissue, up(np.minimum(psoas, lumborum)), muscle, edge)

    # Muscles on the wing: iliacus on its inner side, the gluteal muscles outside.
    inner = y + 0.9 * (ax - 88.0) < 0.0
    iliacus = np.maximum(hip - float(rng.uniform(9.0, 15.0)), np.where(inner, -30.0, 4.0))
    iliacus = np.maximum(iliacus, z - 26.0)
    iliacus = np.maximum(iliacus, 62.0 - ax - 0.35 * np.maximum(-z, 0.0))
    cover(tissue, up(iliacus), muscle, edge)
    gluteal = np.maximum(hip - 34.0, np.where(inner, 4.0, -30.0))
    gluteal = np.maximum(gluteal, np.maximum(fascia + 3.0, z - 20.0))
    gluteal = np.maximum(gluteal, 38.0 - ax)
    cover(tissue, up(gluteal), streaky, edge)

    contrast = float(rng.uniform(120.0, 190.0)) if rng.random() < 0.35 else float(rng.uniform(32.0, 48.0))
    venous = contrast * 0.8 if contrast > 100.0 else contrast - 2.0
    split = float(rng.uniform(20.0, 42.0))
    arteries = [
        ((4.0, -34.0, 130.0), (2.0, -38.0, split), 9.0),
        ((2.0, -38.0, split), (30.0, -42.0, split - 62.0), 6.0),
        ((2.0, -38.0, split), (-28.0, -42.0, split - 62.0), 6.0),
        ((30.0, -42.0, split - 62.0), (40.0, -24.0, -75.0), 3.4),
        ((-28.0, -42.0, split - 62.0), (-40.0, -24.0, -75.0), 3.4),
        ((30.0, -42.0, split - 62.0), (64.0, -76.0, -95.0), 4.6),
        ((-28.0, -42.0, split - 62.0), (-64.0, -76.0, -95.0), 4.6),
    ]
    veins = [
        ((-19.0, -31.0, 130.0), (-17.0, -32.0, split - 10.0), 11.0),
        ((-17.0, -32.0, split - 10.0), (22.0, -34.0, split - 66.0), 6.8),
        ((-17.0, -32.0, split - 10.0), (-33.0, -36.0, split - 64.0), 6.8),
        ((22.0, -34.0, split - 66.0), (44.0, -36.0, -85.0), 5.0),
        ((-33.0, -36.0, split - 64.0), (-46.0, -40.0, -85.0), 5.0),
    ]
    for vessels, value in ((veins, venous), (arteries, contrast)):
        tubes = [capsule(p, start, stop, radius) for start, stop, radius in vessels]
        cover(tissue, up(np.minimum.reduce(tubes)), value, edge)
    # Outside the skin there is air, whatever was laid across it.
    cover(tissue, -skin_whole, OUTSIDE_HU, edge)
    return tissue
