"""What a setting may be, read from the annotation of its field."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt


def is_literal(part: Any) -> bool:
    """Tell whether a part is a list of allowed values."""
    return get_origin(part) is Literal


def is_sequence(annotation: Any) -> bool:
    """Tell whether several values can be given."""
    return any(
        get_origin(part) in (tuple, list) for part in (annotation, *_union_members(annotation))
    )


def _union_members(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        yield from _union_members(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from _union_members(member)
    else:
        yield annotation


def parts_of(annotation: Any) -> Iterator[Any]:
    """List the plain types and literals that an annotation is made of."""
    for member in _union_members(annotation):
        if get_origin(member) in (tuple, list):
            for inner in get_args(member):
                yield from parts_of(inner)
        else:
            yield member


def metadata_of(annotation: Any) -> Iterator[Any]:
    """List the constraints that stand inside an annotation."""
    if get_origin(annotation) is Annotated:
        for item in annotation.__metadata__:
            yield from getattr(item, "metadata", [item])
        yield from metadata_of(get_args(annotation)[0])
    elif get_origin(annotation) in (Union, types.UnionType):
        for member in get_args(annotation):
            yield from metadata_of(member)


def bounds_of(metadata: list[Any]) -> tuple[float | None, bool, float | None, bool]:
    """Find the bounds among constraints.

    Returns
    -------
    tuple
        Lower bound and whether it is itself not allowed; the same of the upper one. A bound is None
        where there is none.
    """
    low = high = None
    open_low = open_high = False
    for item in metadata:
        if isinstance(item, Ge | Gt):
            open_low = isinstance(item, Gt)
            low = float(item.gt if isinstance(item, Gt) else item.ge)  # type: ignore[arg-type]
        elif isinstance(item, Le | Lt):
            open_high = isinstance(item, Lt)
            high = float(item.lt if isinstance(item, Lt) else item.le)  # type: ignore[arg-type]
    return low, open_low, high, open_high
