"""Free metal of chelator buffers: constants with their sources, equilibrium, titration plates."""

from zincflux.buffers.conditional import (
    Conditions,
    apparent_dissociation_M,
    free_ion_fraction,
    hydrogen_ion_M,
)
from zincflux.buffers.constants import Chelator, Complex, ConstantSet, Metal, load_constants
from zincflux.buffers.equilibrium import free_chelators, free_metals
from zincflux.buffers.mixture import Buffer, compute_buffer
from zincflux.buffers.quantities import parse_amounts, parse_concentration, parse_volume
from zincflux.buffers.request import Request
from zincflux.buffers.series import Plate, Well, titration_series

__all__ = [
    "Buffer",
    "Chelator",
    "Complex",
    "Conditions",
    "ConstantSet",
    "Metal",
    "Plate",
    "Request",
    "Well",
    "apparent_dissociation_M",
    "compute_buffer",
    "free_chelators",
    "free_ion_fraction",
    "free_metals",
    "hydrogen_ion_M",
    "load_constants",
    "parse_amounts",
    "parse_concentration",
    "parse_volume",
    "titration_series",
]
