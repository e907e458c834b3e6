"""The probability that a candidate is one whole cell."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np

from zincflux.movie import FloatArray
from zincflux.segment.looks import LOOKS


@dataclass(frozen=True, eq=False)
class Likeness:
    """A small network: the looks, a layer of tanh units, one logistic output.

    Attributes
    ----------
    middle, scale
        Taken off each look, and divided by; shape (looks,).
    hidden
        Weights of the units, the last row their constants; shape (looks + 1, units).
    output
        Weights of the output, the last one its constant; shape (units + 1,).
    """

    middle: FloatArray
    scale: FloatArray
    hidden: FloatArray
    output: FloatArray

    def __call__(self, looks: FloatArray) -> FloatArray:
        """Return the probability of each candidate.

        Parameters
        ----------
        looks
            Shape (N, looks).

        Returns
        -------
        numpy.ndarray
            Shape (N,), from 0 to 1.
        """
        # What lies far outside of all that was learnt from is taken as the farthest of it.
        values = np.clip((looks - self.middle) / self.scale, -4, 4)
        # Not "@": frames run in parallel already, and its threads only get in each other's way.
        units = np.tanh(np.einsum("nl,lu->nu", values, self.hidden[:-1]) + self.hidden[-1])
        odds = np.einsum("nu,u->n", units, self.output[:-1]) + self.output[-1]
        result: FloatArray = 1 / (1 + np.exp(-odds))
        return result


@cache
def learnt() -> Likeness:
    """Return the network that comes with zincflux, from ``likeness.json`` beside this file.

    It was fitted by ``tests/benchmarks/fit_segmenter.py`` to hand-drawn nuclei of the Data Science
    Bowl 2018 (two thirds of the images; the others judge it) and to simulated cells.

    References
    ----------
    .. [1] J. C. Caicedo et al., "Nucleus segmentation across imaging experiments: the 2018 Data
       Science Bowl", Nat. Methods 16 (2019) 1247–1253.
    """
    text = files("zincflux.segment").joinpath("likeness.json").read_text(encoding="utf-8")
    data = json.loads(text)
    if data.pop("looks") != list(LOOKS):
        raise RuntimeError("likeness.json: expected the looks of looks.py. Fit it again.")
    return Likeness(**{name: np.array(value) for name, value in data.items()})
