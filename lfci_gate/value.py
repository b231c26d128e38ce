"""Frozen, slotted value classes that cost next to nothing to define.

What :mod:`dataclasses` does for ``@dataclass(frozen=True, slots=True)``, without compiling six methods
for each class: that takes about a millisecond a class, and the receive hook and a known
`lfci check` define some fifty before they can answer (docs/decisions/0006-value-classes.md). Type
checkers see a frozen dataclass.
"""

from __future__ import annotations

from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

__all__ = ["Value", "mapping_of", "replace"]

V = TypeVar("V", bound="Value")


class _ValueType(type):
    """Turns annotations into slots and class attributes of the same names into defaults."""

    def __new__(mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
        own = [
            field
            for field, kind in namespace.get("__annotations__", {}).items()
            if not str(kind).startswith("ClassVar")
        ]
        defaults = {field: namespace.pop(field) for field in own if field in namespace}
        namespace["__slots__"] = tuple(own)
        made = super().__new__(mcs, name, bases, namespace)
        inherited = [field for base in reversed(made.__mro__[1:]) for field in base.__dict__.get("_own", ())]
        held = {key: value for base in reversed(made.__mro__[1:]) for key, value in _defaults_of(base)}
        type.__setattr__(made, "_own", tuple(own))
        type.__setattr__(made, "_fields", tuple(dict.fromkeys((*inherited, *own))))
        type.__setattr__(made, "_defaults", held | defaults)
        return made

    @property
    def __dataclass_fields__(cls) -> dict[str, Any]:
        """What `dataclasses.replace`, `fields` and `asdict` look for, so that they work on values too;
        made when they do."""
        import dataclasses

        made: dict[str, Any] = {}
        for name in cls._fields:  # type: ignore[attr-defined]
            field: Any = dataclasses.field()
            field.name, field._field_type = name, dataclasses._FIELD  # type: ignore[attr-defined]
            made[name] = field
        return made


def _defaults_of(base: type) -> Any:
    return base.__dict__.get("_defaults", {}).items()


@dataclass_transform(frozen_default=True)
class Value(metaclass=_ValueType):
    """Base of value classes: equal, hashed and printed by type and fields; never changed.

    Defaults must be immutable. A subclass may define ``__init__`` no differently and
    ``__repr__`` as it likes (to keep a secret out of messages).
    """

    _own: ClassVar[tuple[str, ...]]
    _fields: ClassVar[tuple[str, ...]]
    _defaults: ClassVar[dict[str, Any]]

    def __init__(self, *args: Any, **named: Any) -> None:
        fields = self._fields
        if len(args) > len(fields):
            raise TypeError(f"{type(self).__name__} takes {len(fields)} values, not {len(args)}")
        put = object.__setattr__
        for field, value in zip(fields, args, strict=False):
            put(self, field, value)
        given = len(args) + len(named)
        for field in fields[len(args) :]:
            if field in named:
                put(self, field, named[field])
            elif field in self._defaults:
                put(self, field, self._defaults[field])
                given += 1
            else:
                raise TypeError(f"{type(self).__name__} misses {field}")
        if given != len(fields):
            wrong = [name for name in named if name not in fields[len(args) :]]
            raise TypeError(f"{type(self).__name__} has no {', '.join(wrong)}, or has it twice")

    @property
    def __dataclass_fields__(self) -> dict[str, Any]:
        made: dict[str, Any] = vars(_ValueType)["__dataclass_fields__"].fget(type(self))
        return made

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set: values are frozen")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be deleted: values are frozen")

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        shown = ", ".join(f"{field}={getattr(self, field)!r}" for field in self._fields)
        return f"{type(self).__name__}({shown})"

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._values()

    def _values(self) -> tuple[Any, ...]:
        return tuple([getattr(self, field) for field in self._fields])


def replace(value: V, **changes: Any) -> V:
    """A copy with some fields changed. Raises TypeError for a field that the class does not have."""
    held = {field: getattr(value, field) for field in value._fields}
    return type(value)(**{**held, **changes})


def mapping_of(value: Value) -> dict[str, Any]:
    """The fields and what is in them, in their order; values in values stay values."""
    return {field: getattr(value, field) for field in value._fields}
