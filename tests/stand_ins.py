"""Stand-ins for Cellpose and StarDist: their interface, with a threshold in place of a network."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np

from zincflux.segment import extras
from zincflux.segment.otsu import Otsu

CALLS: list[dict[str, Any]] = []
"""What the stand-ins were asked, newest last."""


class CellposeModel:
    def __init__(self, gpu=False, pretrained_model="cpsam", **_):
        if pretrained_model == "missing":
            raise FileNotFoundError("model file not found")
        CALLS.append({"gpu": gpu, "pretrained_model": pretrained_model})

    def eval(self, x, *, diameter=None, **_):
        CALLS.append({"diameter": diameter, "dtype": x.dtype})
        masks = Otsu(diameter_um=diameter)(x, 1.0)
        return 2 * masks.astype(np.uint16), [], np.zeros(256)


class StarDist2D:
    def __init__(self, config, name="stardist", basedir="."):
        assert config is None
        CALLS.append({"name": name, "basedir": basedir})

    @classmethod
    def from_pretrained(cls, name):
        return cls(None, name) if name == "2D_versatile_fluo" else None

    def predict_instances(self, img, *, scale=None, **_):
        CALLS.append({"scale": scale, "low": float(np.percentile(img, 1))})
        diameter_px = 20.0 if scale is None else (30.0 if scale < 1 else 10.0) / scale
        return Otsu(diameter_um=diameter_px)(img, 1.0), {"prob": np.zeros(0)}


def install(monkeypatch: Any) -> None:
    """Let Cellpose and StarDist be imported."""
    packages = {
        "cellpose": {},
        "cellpose.models": {"CellposeModel": CellposeModel},
        "cellpose.core": {"use_gpu": lambda: False},
        "stardist": {},
        "stardist.models": {"StarDist2D": StarDist2D},
    }
    for name, content in packages.items():
        module = types.ModuleType(name)
        module.__dict__.update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(extras, "_MODELS", {})
    CALLS.clear()
