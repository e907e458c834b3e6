"""ONNX files written and read without any package: the few messages that a small network needs.

An ONNX file is a message of Protocol Buffers: fields, each with its number, of varying length. Only
the fields used here are known; all others are skipped when a file is read.

References
----------
.. [1] ONNX, "Open Neural Network Exchange Intermediate Representation", and ``onnx.proto``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

FLOAT = 1
"""Number of the data type of single precision."""

_TYPES = {1: "<f4", 7: "<i8", 10: "<f2"}
_NUMBERS = {np.dtype(name): number for number, name in _TYPES.items()}
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_FLOAT_KIND, _INT_KIND, _TEXT_KIND, _INTS_KIND = 1, 2, 3, 7


@dataclass
class Graph:
    """A graph in the making; names of what its nodes give are numbered."""

    nodes: list[bytes] = field(default_factory=list)
    weights: list[bytes] = field(default_factory=list)

    def add(self, kind: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        """Append a node of a kind; give the name of its output."""
        name = output or f"{kind.lower()}{len(self.nodes)}"
        parts = [_text(1, one) for one in inputs] + [_text(2, name), _text(4, kind)]
        parts += [_bytes(5, _attribute(key, value)) for key, value in attributes.items()]
        self.nodes.append(b"".join(parts))
        return name

    def constant(self, values: NDArray[Any], name: str | None = None) -> str:
        """Append an array of weights; those of half precision become single when they are used."""
        name = name or f"w{len(self.weights)}"
        self.weights.append(_tensor(name, values))
        return self.add("Cast", name, to=FLOAT) if values.dtype == np.float16 else name


def model_bytes(
    graph: Graph,
    ends: Sequence[tuple[str, Sequence[int | str]]],
    metadata: Mapping[str, str],
    *,
    opset: int = 17,
) -> bytes:
    """Write a model.

    Parameters
    ----------
    graph
        Its nodes and weights.
    ends
        Name and shape of the input, and of the output; a letter stands for any length.
    metadata
        Names and texts that are stored with it.
    opset
        Version of the operators.
    """
    described = [_bytes(number, _end(*end)) for number, end in zip((11, 12), ends, strict=True)]
    parts = [_bytes(1, node) for node in graph.nodes] + [_text(2, "cells")]
    parts += [_bytes(5, weight) for weight in graph.weights] + described
    whole = [_number(1, 8), _text(2, "zincflux"), _bytes(7, b"".join(parts))]
    whole.append(_bytes(8, _number(2, opset)))
    whole += [_bytes(14, _text(1, key) + _text(2, text)) for key, text in metadata.items()]
    return b"".join(whole)


def read_model(content: bytes) -> tuple[list[tuple[str, list[str]]], dict[str, NDArray[Any]]]:
    """Read the nodes and the weights of a model.

    Parameters
    ----------
    content
        What the file holds.

    Returns
    -------
    nodes
        Kind and names of the inputs of each node, in order; a ``Cast`` is not told, its input
        stands where its output is used.
    weights
        Arrays by name.

    Raises
    ------
    ValueError
        If the content ends too early, or holds a type of number that is not known.
    """
    graph = _only(content, 7)
    weights = dict(_array(part) for part in _all(graph, 5))
    nodes, casts = [], {}
    for part in _all(graph, 1):
        inputs, (output, *_), kind = _names(part, 1), _names(part, 2), _names(part, 4)[0]
        if kind == "Cast":
            casts[output] = inputs[0]
        else:
            nodes.append((kind, [casts.get(name, name) for name in inputs]))
    return nodes, weights


def metadata_of(content: bytes) -> dict[str, str]:
    """Read the names and texts stored with a model."""
    return {_names(part, 1)[0]: _names(part, 2)[0] for part in _all(content, 14)}


def _varint(value: int) -> bytes:
    result = bytearray()
    while value > 0x7F:
        result.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes(result) + bytes([value])


def _number(key: int, value: int) -> bytes:
    return _varint(key << 3 | _VARINT) + _varint(value)


def _bytes(key: int, value: bytes) -> bytes:
    return _varint(key << 3 | _BYTES) + _varint(len(value)) + value


def _text(key: int, value: str) -> bytes:
    return _bytes(key, value.encode())


def _attribute(name: str, value: Any) -> bytes:
    head = _text(1, name)
    if isinstance(value, str):
        return head + _text(4, value) + _number(20, _TEXT_KIND)
    if isinstance(value, float):
        packed = struct.pack("<f", value)
        return head + _varint(2 << 3 | _FIXED_32) + packed + _number(20, _FLOAT_KIND)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, _INT_KIND)
    return head + b"".join(_number(8, one) for one in value) + _number(20, _INTS_KIND)


def _tensor(name: str, values: NDArray[Any]) -> bytes:
    kind = _NUMBERS[values.dtype]
    head = b"".join(_number(1, n) for n in values.shape) + _number(2, kind)
    return head + _text(8, name) + _bytes(9, values.astype(_TYPES[kind]).tobytes())


def _end(name: str, shape: Sequence[int | str]) -> bytes:
    sides = (_number(1, n) if isinstance(n, int) else _text(2, n) for n in shape)
    tensor = _number(1, FLOAT) + _bytes(2, b"".join(_bytes(1, side) for side in sides))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _fields(content: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Give the number and the value of each field of a message."""
    place = 0
    while place < len(content):
        key, place = _read_varint(content, place)
        kind = key & 7
        if kind == _VARINT:
            value, place = _read_varint(content, place)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            length, place = _read_varint(content, place)
        else:
            length = {_FIXED_32: 4, _FIXED_64: 8}.get(kind, len(content) + 1)
        if place + length > len(content):
            raise ValueError("the file ends in the middle of a message, or is no ONNX")
        yield key >> 3, content[place : place + length]
        place += length


def _read_varint(content: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(content):
        byte = content[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("the file ends in the middle of a number")


def _all(content: bytes, wanted: int) -> Iterator[bytes]:
    for key, value in _fields(content):
        if key == wanted and isinstance(value, bytes):
            yield value


def _only(content: bytes, wanted: int) -> bytes:
    found = list(_all(content, wanted))
    if len(found) != 1:
        raise ValueError(f"the file holds {len(found)} graphs")
    return found[0]


def _names(content: bytes, wanted: int) -> list[str]:
    return [value.decode() for value in _all(content, wanted)]


def _array(content: bytes) -> tuple[str, NDArray[Any]]:
    shape: list[int] = []
    kind, name, raw = 0, "", b""
    for key, value in _fields(content):
        if key == 1:
            shape += _packed(value) if isinstance(value, bytes) else [value]
        elif key == 2 and isinstance(value, int):
            kind = value
        elif isinstance(value, bytes):
            name, raw = (value.decode(), raw) if key == 8 else (name, value if key == 9 else raw)
    if kind not in _TYPES:
        raise ValueError(f"weights of the type {kind} are not known")
    return name, np.frombuffer(raw, _TYPES[kind]).reshape(shape)


def _packed(content: bytes) -> list[int]:
    values, place = [], 0
    while place < len(content):
        value, place = _read_varint(content, place)
        values.append(value)
    return values
