"""Synthetic movies with known zinc, cells and tracks.

Nothing here uses the analysis: what judges an estimator must not be made of it.
"""

from zincflux.synthetic.movie import SyntheticMovie, simulate
from zincflux.synthetic.settings import Simulation
from zincflux.synthetic.study import StudySimulation

__all__ = ["Simulation", "StudySimulation", "SyntheticMovie", "simulate"]
