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
_ELSEWHERE = re.compile(rb"\n(\x08|\x88\x80*\x00)location")
"""How the place of weights that lie in another file is written: a key of eight letters."""

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
    path
        The file.
    """

    session: Any
    card: Card
    path: str

    def __call__(self, inputs: FloatImage) -> FloatImage:
        """Map inputs (2, Y, X) to probability, depth and size (3, Y, X).

        Sides are multiples of `STRIDE_PX`. One call takes one thread, so the number of threads
        cannot change a result.

        Raises
        ------
        SegmentationError
            If the network fails, or says what cannot be.
        """
        try:
            said = np.asarray(self.session.run([OUTPUT], {INPUT: inputs[None]})[0])
        except _failures() as error:
            raise _cannot_run(self.path, error) from error
        shape = (1, N_OUTPUTS, *inputs.shape[1:])
        if said.shape != shape:
            raise SegmentationError(
                f"segment.model: expected numbers of the shape {shape} from the network, found "
                f"the shape {said.shape} in {self.path}. {_TRAIN}"
            )
        if not np.isfinite(said).all():
            raise SegmentationError(
                f"segment.model: expected finite numbers from the network, found others in "
                f"{self.path}. {_TRAIN}"
            )
        return np.asarray(said[0])


def network(path: str | None = None) -> Network:
    """Open a network, once for each state of its file.

    Parameters
    ----------
    path
        An ONNX file; the built-in network if not given.

    Raises
    ------
    ExperimentError
        If onnxruntime is not installed.
    SegmentationError
        If the file is no network of this kind.
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
    content = _content(path)
    try:
        session = runtime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except _failures() as error:
        raise _cannot_run(path, error) from error
    found = Network(session, _card(path, session), path)
    _check_ends(path, session)
    for sides in ((STRIDE_PX, 2 * STRIDE_PX), (3 * STRIDE_PX, STRIDE_PX)):
        found(np.zeros((N_INPUTS, *sides), np.float32))
    return found


def _failures() -> tuple[type[BaseException], ...]:
    """List what onnxruntime raises; its exceptions have no base of their own."""
    errors = import_extra("onnxruntime.capi.onnxruntime_pybind11_state", "learned")
    return (*(getattr(errors, name) for name in _ERRORS), RuntimeError, MemoryError)


def _cannot_run(path: str, error: BaseException) -> SegmentationError:
    version = import_extra("onnxruntime", "learned").__version__
    return SegmentationError(
        f"segment.model: expected an ONNX network that onnxruntime {version} can run, found "
        f"{path}: {_reason(error)}. {_TRAIN}"
    )


def _content(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
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
    if len(content) > LARGEST_BYTES:
        raise SegmentationError(
            f"segment.model: expected a small network, found {path} of more than "
            f"{LARGEST_BYTES / 2**20:.0f} MiB. {_TRAIN}"
        )
    if _ELSEWHERE.search(content):
        raise SegmentationError(
            f"segment.model: expected a network that is whole in its file, found weights in {path} "
            f"that lie in other files, which are never followed. {_TRAIN}"
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


def _check_ends(path: str, session: Any) -> None:
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
