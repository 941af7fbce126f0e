"""The recipe of a training: the paper's, and what goes beyond it, each improvement with a name of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from spinect_core.base.errors import UsageError
from spinect_core.base.reasons import listed
from spinect_core.preprocessing.prepare import MEAN, NEAREST, VOXELS
from spinect_core.research.training.augmentation import PAPER as PAPER_AUGMENTATION
from spinect_core.research.training.augmentation import Augmentation
from spinect_core.research.training.losses import CLASS_WEIGHTS
from spinect_core.segmentation.network import PATCH_SHAPE

Shape = tuple[int, int, int]


@dataclass(frozen=True)
class TrainingConfig:
    """A recipe; the defaults are the paper's where it states them (Fan and others, AJNR 2019;40:1074).

    Attributes:
        steps: iterations in all (ours: the paper's number depends on its data).
        batch: patches of an iteration.
        rate: Adam's learning rate after the warm-up.
        class_weights: of background, bone and nerve in the softmax cross-entropy (ours).
        patch_shape: voxels of 1 mm (z, y, x) the network reads at once.
        stride: voxels between the tiles of the full validation.
        validate_every: steps between validations.
        validation_cases: cases of a validation, drawn anew each time; 0 for all.
        validation: ``full`` for the combined algorithm on whole cases, ``patches`` for twelve patches around the
            nerves of each.
        save_every: steps between checkpoints.
        precision: ``single``, or ``half`` for bfloat16 where that is safe, with weights in single precision as ever;
            validation is always single.
        voxels: what the 1 mm voxels of a CT take: ``nearest``, the value of its nearest voxel, or ``mean``, its mean
            within them. Drawn phantoms of 1 mm are the same either way.
        seed: of the first weights, the split, the crops and the patches.
        dice: weight of a soft Dice loss beside the cross-entropy.
        clip: greatest norm of a gradient; 0 for no limit.
        warmup: steps of rising rate.
        decay_from: part of the steps after which the rate falls along a cosine; 1 for never.
        last_rate: rate at the last step, where it falls.
        averaging: part of the old average kept at each step by averaged weights, which are then what is
            validated and stored; 0 for the weights themselves.
        nerve_share: part of the patches centred on nerve, that is, around L5/S1.
        bone_share: part of the patches centred on bone; the others lie anywhere.
        augmentation: how crops are varied.
    """

    steps: int = 5000
    batch: int = 4
    rate: float = 5e-4
    class_weights: tuple[float, ...] = CLASS_WEIGHTS
    patch_shape: Shape = PATCH_SHAPE
    stride: Shape = (20, 40, 40)
    validate_every: int = 100
    validation_cases: int = 6
    validation: str = "full"
    save_every: int = 100
    precision: str = "single"
    voxels: str = NEAREST
    seed: int = 0
    dice: float = 0.0
    clip: float = 0.0
    warmup: int = 0
    decay_from: float = 1.0
    last_rate: float = 3e-5
    averaging: float = 0.0
    nerve_share: float = 0.0
    bone_share: float = 0.0
    augmentation: Augmentation = field(default_factory=lambda: PAPER_AUGMENTATION)

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "validate_every", "save_every"):
            _require(self, getattr(self, name) >= 1, name, "at least 1")
        for name in ("rate", "last_rate"):
            _require(self, 0 < getattr(self, name) < 1, name, "between 0 and 1")
        for name in ("validation_cases", "seed", "dice", "clip", "warmup"):
            value = getattr(self, name)
            _require(self, math.isfinite(value) and value >= 0, name, "at least 0")
        for name in ("decay_from", "nerve_share", "bone_share"):
            _require(self, 0 <= getattr(self, name) <= 1, name, "between 0 and 1")
        _require(self, self.nerve_share + self.bone_share <= 1, "nerve_share", "with bone_share at most 1")
        _require(self, 0 <= self.averaging < 1, "averaging", "at least 0 and below 1")
        _require(self, self.validation in ("full", "patches"), "validation", "full or patches")
        _require(self, self.precision in ("single", "half"), "precision", "single or half")
        _require(self, self.voxels in VOXELS, "voxels", " or ".join(VOXELS))
        _require(
            self,
            len(self.class_weights) == 3 and min(self.class_weights) > 0,
            "class_weights",
            "3 positive numbers",
        )
        _require(
            self,
            all(n >= 16 and n % 16 == 0 for n in self.patch_shape),
            "patch_shape",
            "three multiples of 16",
        )
        _require(self, all(n >= 1 for n in self.stride), "stride", "at least 1")

    def rate_at(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        start = self.decay_from * self.steps
        if self.decay_from >= 1 or step < start:
            return self.rate
        part = min(1.0, (step - start) / max(1.0, self.steps - start))
        return self.last_rate + (self.rate - self.last_rate) * 0.5 * (1 + math.cos(math.pi * part))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for ``config.json``; tuples become lists as they do there."""
        plain = asdict(self)
        for group in (plain, plain["augmentation"]):
            group.update({name: list(value) for name, value in group.items() if isinstance(value, tuple)})
        return plain


def _require(config: TrainingConfig, sound: bool, name: str, what: str) -> None:
    if not sound:
        value = getattr(config, name)
        shown = listed(value) if isinstance(value, tuple) else str(value)
        raise UsageError(f"The value is {shown}", f"It must be {what}", parameter=name)


IMPROVEMENTS: Mapping[str, Mapping[str, Any]] = {
    "focus": {"nerve_share": 0.5, "bone_share": 0.18},
    "mean-voxels": {"voxels": MEAN},
    "dice": {"dice": 0.5},
    "clip": {"clip": 5.0},
    "warmup": {"warmup": 40},
    "cosine": {"decay_from": 0.5},
    "averaging": {"averaging": 0.99},
    "crops": {"smallest": (72, 80, 96), "largest": (150, 136, 170)},
    "pose": {"pose": 0.6},
    "bend": {"bend": 0.6},
    "full-canal": {"full": 0.3},
    "intensity": {"bone": 0.7, "soft": 14.0, "shift": 0.12, "gain": 0.1},
    "resolution": {"blur": 0.4, "sharpen": 0.2, "slabs": 0.4, "coarse": 0.3},
    "strong-noise": {"noise": 90.0, "correlated": 0.4, "quiet": 2.0},
    "table": {"table": 0.5},
}
"""What goes beyond the paper, by name: the fields it sets, of the recipe or of its augmentation."""

TO_TRY = ("bend", "full-canal")
"""Those of which no measurement has shown yet that they help; the improved recipe leaves them out."""

_AUGMENTATION_FIELDS = frozenset(f.name for f in fields(Augmentation))


def switched(config: TrainingConfig, names: Iterable[str], on: bool) -> TrainingConfig:
    """The recipe with improvements switched on, or off (which is how the paper does it); all else stays.

    Raises:
        UsageError: there is no improvement of that name.
    """
    paper = TrainingConfig()
    for name in names:
        if name not in IMPROVEMENTS:
            raise UsageError(f"There is no improvement '{name}'", f"Choose of {', '.join(IMPROVEMENTS)}")
        for key, value in IMPROVEMENTS[name].items():
            if key in _AUGMENTATION_FIELDS:
                value = value if on else getattr(paper.augmentation, key)
                config = replace(config, augmentation=replace(config.augmentation, **{key: value}))
            else:
                config = replace(config, **{key: value if on else getattr(paper, key)})
    return config


RECIPES: Mapping[str, TrainingConfig] = {
    "paper": TrainingConfig(),
    "improved": switched(TrainingConfig(), (name for name in IMPROVEMENTS if name not in TO_TRY), on=True),
}
