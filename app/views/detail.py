"""Bone and nerve in the 3D picture, in full and coarse, and a full picture drawn piece by piece.

Without a graphics card a frame of all triangles takes longer than a window may keep its user waiting. So the full
surfaces come in pieces: each is drawn on its own over what was drawn before, colour and depth kept, and the picture is
shown when all are in it. It is the picture that a single frame would give.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyvista as pv
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkProperty, vtkRenderer

MANY_TRIANGLES = 110_000
"""Bone and nerve of at most these are drawn in full in every frame; of more, coarsely while the picture changes.
Of the full ones a piece takes about 20 ms on two cores, its first frame a little longer."""


@dataclass(frozen=True, eq=False)
class Part:
    """Bone or nerve.

    Attributes:
        prop: its colour and opacity, of all its actors.
        near: the full surface, in pieces.
        far: the coarse one.
    """

    prop: vtkProperty
    near: tuple[vtkActor, ...]
    far: tuple[vtkActor, ...]

    @property
    def actors(self) -> tuple[vtkActor, ...]:
        """Of both levels."""
        return (*self.near, *self.far)


@dataclass(frozen=True)
class Step:
    """One piece of a picture.

    Attributes:
        actors: what is drawn.
        clear: whether it begins a picture.
        show: whether the picture is complete with it.
    """

    actors: frozenset[vtkActor]
    clear: bool = False
    show: bool = False


class Levels:
    """The parts of a case in a renderer.

    Attributes:
        many: whether there are too many triangles for every frame.
        fresh: whether these many have never been drawn: the first time of each piece takes longest.
    """

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._parts: dict[str, Part] = {}
        self._shown: dict[str, bool] = {}
        self._inside = False
        self.many = False
        self.fresh = False

    @property
    def names(self) -> set[str]:
        """The parts that are visible."""
        return {name for name, shown in self._shown.items() if shown}

    def replace(self, meshes: Mapping[str, tuple[Sequence[pv.PolyData], pv.PolyData]]) -> None:
        """Take other surfaces.

        Args:
            meshes: of each part the pieces of the full surface, and the coarse one.
        """
        for part in self._parts.values():
            for actor in part.actors:
                self._renderer.RemoveActor(actor)
        total = sum(piece.n_cells for pieces, _ in meshes.values() for piece in pieces)
        self.many = self.fresh = total > MANY_TRIANGLES
        self._parts = {}
        for name, (pieces, coarse) in meshes.items():
            prop = _prop()
            far = (_actor(coarse, prop),) if self.many else ()
            part = Part(prop, tuple(_actor(piece, prop) for piece in pieces), far)
            self._parts[name] = part
            for actor in part.actors:
                self._renderer.AddActor(actor)
        self._shown = dict.fromkeys(self._parts, True)
        self._cull()

    def look(self, name: str, colour: tuple[float, float, float], opacity: float, visible: bool) -> None:
        """Give a part another look."""
        prop = self._parts[name].prop
        prop.SetColor(*colour)
        prop.SetOpacity(opacity)
        self._shown[name] = visible and opacity > 0
        self._cull()

    def open_up(self, inside: bool) -> None:
        """Say whether one may see the inside of the surfaces, because something is cut away from them."""
        self._inside = inside
        self._cull()

    def _cull(self) -> None:
        """Leave the back faces out, as closed surfaces hide them; without a graphics card that saves a third.

        Translucent surfaces need no sorting to look right without theirs.
        """
        for part in self._parts.values():
            part.prop.SetBackfaceCulling(not self._inside or part.prop.GetOpacity() < 1)

    def __getitem__(self, name: str) -> Part:
        """Bone or nerve, if the case has it."""
        return self._parts[name]

    def __contains__(self, name: str) -> bool:
        """Whether the case has a part."""
        return name in self._parts

    def __iter__(self) -> Iterator[str]:
        """The names of the parts."""
        return iter(self._parts)

    # --------------------------------------------------------------------------------------------------- frames

    def state(self) -> tuple[object, ...]:
        """Equal at two moments if the same picture would be drawn, whatever pieces are switched on just now."""
        parts = tuple(
            (id(part), self._shown[name], part.prop.GetMTime()) for name, part in self._parts.items()
        )
        return parts, tuple(
            (id(each), each.GetMTime(), each.GetMapper().GetMTime()) for each in self._others()
        )

    def quick(self) -> Step:
        """A frame while the picture changes: all where there is little, otherwise the coarse surfaces.

        Before the surfaces were drawn for the first time it is a frame without them, unless they are few.
        """
        drawn = [] if self.fresh else [actor for name in self.names for actor in self._quick(name)]
        return Step(frozenset([*drawn, *self._others()]), clear=True, show=True)

    def pieces(self) -> list[Step]:
        """The full picture in pieces, after the coarse one where that has not been drawn yet."""
        before = self._steps({name: self._parts[name].far for name in self.names}) if self.fresh else []
        return [*before, *self._steps({name: self._parts[name].near for name in self.names})]

    def draw(self, step: Step, draw: Callable[[], None]) -> None:
        """Draw a step of a picture.

        Args:
            step: what.
            draw: draws what is switched on.
        """
        others = [actor for actor in self._others() if actor not in step.actors and actor.GetVisibility()]
        for part in self._parts.values():
            for actor in part.actors:
                actor.SetVisibility(actor in step.actors)
        for actor in others:
            actor.SetVisibility(False)
        self._renderer.SetPreserveColorBuffer(not step.clear)
        self._renderer.SetPreserveDepthBuffer(not step.clear)
        try:
            draw()
        finally:
            for actor in others:
                actor.SetVisibility(True)

    def _quick(self, name: str) -> tuple[vtkActor, ...]:
        part = self._parts[name]
        return part.far if self.many else part.near

    def _steps(self, levels: dict[str, tuple[vtkActor, ...]]) -> list[Step]:
        """A picture in pieces: what is solid first, then all that one sees through, which is sorted among itself."""
        solid: list[vtkActor] = []
        clear: list[vtkActor] = []
        for name, actors in levels.items():
            (solid if self._parts[name].prop.GetOpacity() >= 1 else clear).extend(actors)
        others = self._others()
        first = [actor for actor in others if actor.GetProperty().GetOpacity() >= 1]
        clear += [actor for actor in others if actor not in first]
        groups = [[actor] for actor in solid] or [[]]
        groups[0] = [*first, *groups[0]]
        if clear:
            groups.append(clear)
        last = len(groups) - 1
        return [Step(frozenset(group), number == 0, number == last) for number, group in enumerate(groups)]

    def _others(self) -> list[vtkActor]:
        own = {actor for part in self._parts.values() for actor in part.actors}
        return [actor for actor in self._renderer.GetActors() if actor not in own]


def _prop() -> vtkProperty:
    prop = vtkProperty()
    prop.SetInterpolationToPhong()
    prop.SetAmbient(0.08)
    prop.SetDiffuse(0.92)
    prop.SetSpecular(0.15)
    prop.SetSpecularPower(24)
    return prop


def _actor(mesh: pv.PolyData, prop: vtkProperty) -> vtkActor:
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(mesh)
    mapper.ScalarVisibilityOff()
    actor = vtkActor()
    actor.SetMapper(mapper)
    actor.SetProperty(prop)
    return actor
