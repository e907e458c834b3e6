"""The network in its file: opened by onnxruntime, checked, and run on one thread."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from zincflux.errors import SegmentationError
from zincflux.segment.extras import import_extra
from zincflux.segment.learned.card import KEY, STRIDE_PX, Card
from zincflux.segment.learned.scaling import FloatImage

BUILTIN = str(files("zincflux.segment.learned") / "cells.onnx")
"""Path of the network that comes with the package."""

INPUT, OUTPUT = "image", "cells"
"""Names of what goes into the network and comes out of it."""

N_INPUTS, N_OUTPUTS = 2, 3
"""Brightness in the picture and in its surroundings; probability, depth and size."""

LARGEST_BYTES = 64 * 2**20
"""Size of a file above which it is not one of these small networks."""

_ERRORS = (
    "Fail",
    "InvalidArgument",
    "InvalidGraph",
    "InvalidProtobuf",
    "NoModel",
    "NotImplemented",
    "RuntimeException",
)
_PICKLES = (b"\x80", b"PK\x03\x04")
_TRAIN = "Use a model that zincflux train has written, or leave segment.model out."


@dataclass(frozen=True, eq=False)
class Network:
    """A network that is ready to run; it may be called from several threads at once.

    Attributes
    ----------
    session
        The session of onnxruntime.
    card
        What the file says of itself.
    """

    session: Any
    card: Card

    def __call__(self, inputs: FloatImage) -> FloatImage:
        """Map inputs (2, Y, X) to probability, depth and size (3, Y, X).

        Sides are multiples of `STRIDE_PX`. One call takes one thread, so the number of threads
        cannot change a result.
        """
        return np.asarray(self.session.run([OUTPUT], {INPUT: inputs[None]})[0][0])


def network(path: str | None = None) -> Network:
    """Open a network, once for each state of its file.

    Parameters
    ----------
    path
        An ONNX file; the built-in network if not given.

    Raises
    ------
    SegmentationError
        If onnxruntime is not installed, or the file is no network of this kind.
    """
    if path is None:
        return _opened(BUILTIN, 0, 0)
    try:
        state = os.stat(path)
    except OSError as error:
        raise SegmentationError(
            f"segment.model: expected an ONNX file, found none at {path} ({error.strerror}). "
            "Check the path."
        ) from None
    return _opened(path, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=4)
def _opened(path: str, changed: int, n_bytes: int) -> Network:
    runtime = import_extra("onnxruntime", "learned")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what is wrong is told by the error
    content = _content(path, n_bytes)
    errors = import_extra("onnxruntime.capi.onnxruntime_pybind11_state", "learned")
    wrong = tuple(getattr(errors, name) for name in _ERRORS)
    try:
        # From memory: a file that refers to other files is not followed.
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        card = _card(path, session)
        _check(path, session)
    except (*wrong, RuntimeError) as error:
        raise SegmentationError(
            f"segment.model: expected an ONNX network that onnxruntime {runtime.__version__} can "
            f"run, found {path}: {_reason(error)}. {_TRAIN}"
        ) from error
    return Network(session, card)


def _content(path: str, n_bytes: int) -> bytes:
    if n_bytes > LARGEST_BYTES:
        raise SegmentationError(
            f"segment.model: expected a small network, found {path} of {n_bytes / 2**20:.0f} MiB. "
            f"{_TRAIN}"
        )
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise SegmentationError(
            f"segment.model: expected an ONNX file, found {path}, which cannot be read "
            f"({error.strerror}). Check the path."
        ) from None
    if content.startswith(_PICKLES):
        raise SegmentationError(
            f"segment.model: expected an ONNX file, found a pickle or checkpoint of another "
            f"program in {path}. Such files can run any code and are never opened. {_TRAIN}"
        )
    return content


def _reason(error: BaseException) -> str:
    """Give what onnxruntime says, without its numbers and the place in its source."""
    text = re.sub(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", "", " ".join(str(error).split()))
    text = re.sub(r"\S*onnxruntime_src\S* .*?\) (?=[A-Z])", "", text)
    return text[:200].rstrip(". ") or type(error).__name__


def _card(path: str, session: Any) -> Card:
    text = session.get_modelmeta().custom_metadata_map.get(KEY)
    if text is None:
        raise SegmentationError(
            f"segment.model: expected a network with a card that says how pictures are scaled for "
            f"it, found none in {path}: it was made for something else. {_TRAIN}"
        )
    try:
        return Card.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "the card"
        raise SegmentationError(
            f"segment.model: expected a card that fits this version of zincflux, found in {path}: "
            f"{key}: {first['msg'].removeprefix('Value error, ')}. {_TRAIN}"
        ) from None


def _check(path: str, session: Any) -> None:
    """Refuse a network that takes or gives something else."""
    ends = [
        [(end.name, end.type, len(end.shape), end.shape[1:2]) for end in group]
        for group in (session.get_inputs(), session.get_outputs())
    ]
    expected = [
        [(INPUT, "tensor(float)", 4, [N_INPUTS])],
        [(OUTPUT, "tensor(float)", 4, [N_OUTPUTS])],
    ]
    if ends != expected:
        found = " → ".join(
            ", ".join(f"{end.name} {end.shape}" for end in group)
            for group in (session.get_inputs(), session.get_outputs())
        )
        raise SegmentationError(
            f"segment.model: expected a network image (n, {N_INPUTS}, y, x) → cells "
            f"(n, {N_OUTPUTS}, y, x) of single precision, found {found} in {path}. {_TRAIN}"
        )
    for sides in ((STRIDE_PX, 2 * STRIDE_PX), (3 * STRIDE_PX, STRIDE_PX)):
        said = session.run([OUTPUT], {INPUT: np.zeros((1, N_INPUTS, *sides), np.float32)})[0]
        if said.shape != (1, N_OUTPUTS, *sides) or not np.isfinite(said).all():
            raise SegmentationError(
                f"segment.model: expected finite numbers of the shape {(1, N_OUTPUTS, *sides)} "
                f"from the network, found the shape {said.shape} in {path}. {_TRAIN}"
            )
