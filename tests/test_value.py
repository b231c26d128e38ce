"""Value classes keep the promises of a frozen, slotted dataclass."""

from __future__ import annotations

import copy
import pickle
from typing import ClassVar

import pytest

from lfci_gate.value import Value, replace


class Point(Value):
    """An example."""

    unit: ClassVar[str] = "m"
    x: int
    y: int = 7

    @property
    def sum(self) -> int:
        return self.x + self.y


class Named(Point):
    name: str = "?"


def test_fields_by_place_and_by_name_with_defaults() -> None:
    assert Point(1) == Point(x=1, y=7) == Point(1, 7)
    assert Point(1, 2).sum == 3
    assert Point.unit == "m"
    assert Named(1, 2, "a") == Named(1, 2, name="a") != Named(1, 2)


@pytest.mark.parametrize(
    ("args", "named"), [((), {}), ((1, 2, 3), {}), ((1,), {"x": 2}), ((1,), {"z": 2}), ((), {"y": 1})]
)
def test_a_wrong_call_is_refused(args: tuple[int, ...], named: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(*args, **named)


def test_values_are_frozen_and_slotted() -> None:
    point = Point(1)
    for name in ("x", "z"):
        with pytest.raises(AttributeError):
            setattr(point, name, 2)
    with pytest.raises(AttributeError):
        del point.x
    assert not hasattr(point, "__dict__")
    assert point == Point(1)


def test_equal_and_hashed_by_type_and_fields() -> None:
    assert len({Point(1), Point(1), Point(2), Named(1)}) == 3
    assert Point(1) != Named(1)
    assert Point(1) != (1, 7)


def test_repr_names_every_field() -> None:
    assert repr(Named(1, 2, "a")) == "Named(x=1, y=2, name='a')"


def test_replace_gives_a_changed_copy() -> None:
    point = Point(1)
    assert replace(point, y=9) == Point(1, 9)
    assert point == Point(1)
    with pytest.raises(TypeError):
        replace(point, z=1)


def test_copies_are_equal() -> None:
    for again in (copy.deepcopy(Point(1)), pickle.loads(pickle.dumps(Point(1)))):
        assert again == Point(1)
