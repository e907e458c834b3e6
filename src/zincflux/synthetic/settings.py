"""Simulation: every knob of a synthetic movie."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from zincflux.settings import Settings

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0, le=1)]

_FRET = {
    "k_nM": 0.811,
    "dynamic_range": 2.0,
    "rest_nM": 0.25,
    "plateau_nM": 1.6,
    "chelated_nM": 1e-4,
    "saturating_nM": 500.0,
    "electrons_per_unit": 150.0,
    "bleach_rate_per_s": (5e-5, 1e-4),
    "nucleus_contrast": -0.45,
    "puncta": 0.1,
}
_MOVING = {
    "n_frames": 90,
    "frame_interval_s": 60.0,
    "uptake_time_s": 400.0,
    "chelation_time_s": 80.0,
    "saturation_time_s": 120.0,
    "mixing_delay_s": 10.0,
    "death_time_s": 900.0,
    "phase_shares": (0.4, 0.25, 0.15, 0.2),
}
_BLEACHING_OF_A_LONG_MOVIE = {"intensity": (1e-5,), "fret": (5e-6, 1e-5)}
_ELECTRONS_PER_COUNT = {12: 2.0, 16: 0.46}
_DENSEST_PACKING = 0.8


class Simulation(Settings):
    """A movie to be made: the same settings always give the same bytes.

    Some defaults depend on what is simulated: the concentrations and the brightness on ``kind``,
    the times on ``moving``, the gain on ``bit_depth``. A value that is given always wins.

    Examples
    --------
    >>> Simulation().k_nM, Simulation(kind="fret").k_nM
    (15.0, 0.811)
    """

    kind: Literal["intensity", "fret"] = Field(
        default="intensity",
        description="intensity: one channel, a dye like FluoZin-3; fret: the channels CFP and "
        "FRET of a sensor like ZapCY2",
    )
    seed: int = Field(default=0, ge=0, description="Seed of everything random")

    n_cells: int = Field(default=60, ge=0, description="Cells in the first frame")
    n_frames: int = Field(default=120, ge=1, description="Frames")
    frame_interval_s: Positive = Field(default=5.0, description="Time between two frames, s")
    shape_px: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = Field(
        default=(320, 320), description="Height and width of a frame, pixels"
    )
    pixel_size_um: Positive = Field(default=0.65, description="Edge of a pixel in the sample, µm")

    cell_diameter_um: Positive = Field(default=15.0, description="Mean diameter of a cell, µm")
    diameter_spread: Fraction = Field(
        default=0.12, description="Spread of the diameter between cells (sd of its logarithm)"
    )
    irregularity: Fraction = Field(
        default=0.5, description="How far outlines depart from a circle, 0 (round) to 1"
    )
    crowding: Fraction = Field(
        default=0.6, description="Share of cells that settled beside another one, and touch it"
    )
    edge_cells: bool = Field(
        default=True, description="Whether the edge of the frame may cut through cells"
    )
    nucleus_contrast: float = Field(
        default=0.1,
        ge=-1,
        le=2,
        description="Brightness of the nucleus against the cytosol: 0 like it, −1 dark",
    )
    puncta: NotNegative = Field(
        default=0.8, description="Brightness of vesicles, relative to the cytosol"
    )
    debris: int = Field(default=4, ge=0, description="Bright specks that are no cells")

    moving: bool = Field(default=False, description="Whether cells wander, enter and leave")
    speed_um_per_min: NotNegative = Field(default=0.5, description="Speed of a wandering cell")
    persistence_s: Positive = Field(
        default=900.0, description="Time for which a wandering cell keeps its direction, s"
    )
    division_rate_per_h: NotNegative = Field(
        default=0.15, description="Divisions per hour and cell; moving cells only"
    )
    mitosis_time_s: Positive = Field(
        default=600.0, description="Time to round up before a division, and to spread after it, s"
    )

    k_nM: Positive = Field(
        default=15.0,
        description="Zinc at half of the signal's range, nM; the apparent K of the ratio for fret",
    )
    hill: Positive = Field(default=1.0, description="Hill coefficient")
    dynamic_range: float = Field(
        default=20.0, gt=1, description="Signal at saturation over signal without zinc"
    )
    ratio_minimum: Positive = Field(default=1.2, description="FRET over CFP without zinc; fret")
    beta: Positive = Field(
        default=1.4, description="CFP brightness of the free over the bound sensor; fret"
    )
    load_spread: NotNegative = Field(
        default=0.45, description="Spread of dye or sensor between cells (sd of its logarithm)"
    )

    phase_shares: tuple[NotNegative, NotNegative, NotNegative, NotNegative] = Field(
        default=(0.15, 0.4, 0.2, 0.25),
        description="Shares of the movie for rest, zinc uptake, TPEN, zinc with pyrithione; "
        "0 leaves a phase out",
    )
    rest_nM: Positive = Field(default=1.0, description="Median zinc at rest, nM")
    rest_spread: NotNegative = Field(
        default=0.35, description="Spread of the zinc at rest (sd of its logarithm)"
    )
    plateau_nM: Positive = Field(default=20.0, description="Median zinc that the uptake leads to")
    plateau_spread: NotNegative = Field(
        default=0.5, description="Spread of the plateau (sd of its logarithm)"
    )
    uptake_time_s: Positive = Field(
        default=50.0, description="Median time constant of the uptake, s"
    )
    uptake_time_spread: NotNegative = Field(
        default=0.3, description="Spread of that time constant (sd of its logarithm)"
    )
    responding_fraction: Fraction = Field(
        default=1.0, description="Share of the cells that take zinc up"
    )
    mixing_delay_s: NotNegative = Field(
        default=1.0, description="Mean time for an addition to reach a cell, s"
    )
    chelation_time_s: Positive = Field(
        default=10.0, description="Time constant of the fall under TPEN, s"
    )
    chelated_nM: Positive = Field(default=1e-3, description="Zinc that TPEN leaves, nM")
    saturation_time_s: Positive = Field(
        default=15.0, description="Time constant of the rise under zinc with pyrithione, s"
    )
    saturating_nM: Positive = Field(
        default=1e4, description="Zinc under zinc with pyrithione, nM; far above K"
    )

    dying_fraction: Fraction = Field(
        default=0.0, description="Share of the cells that round up and leak their dye"
    )
    death_time_s: Positive = Field(
        default=90.0, description="Time constant of the leak of a dying cell, s"
    )
    bleach_rate_per_s: tuple[NotNegative, ...] = Field(
        default=(5e-5,), description="Bleaching of each channel per s, all light included"
    )

    electrons_per_unit: Positive = Field(
        default=50.0,
        description="Electrons per pixel and frame of the median cell without zinc (CFP for fret)",
    )
    autofluorescence_e: NotNegative = Field(
        default=0.0, description="Electrons per pixel and frame of a cell without any dye"
    )
    background_e: NotNegative = Field(
        default=50.0, description="Mean background, electrons per pixel and frame"
    )
    background_unevenness: Fraction = Field(
        default=0.3, description="Depth of the background's gradient and clouds, relative to it"
    )
    background_drift_um: NotNegative = Field(
        default=40.0, description="Distance that the clouds of the background move in the movie"
    )
    background_follows_dye: NotNegative = Field(
        default=0.0,
        description="How far the background follows the mean signal of the cells: 0 not, 1 in "
        "proportion; breaks an assumption of every analysis",
    )
    shading: Fraction = Field(
        default=0.0, description="Loss of light from the centre to the corners of the frame"
    )

    psf_um: NotNegative = Field(
        default=0.6, description="Blur of the optics on a whole cell, µm (sd of a Gaussian)"
    )
    haze_fraction: Fraction = Field(
        default=0.1, description="Share of the cells' light that arrives out of focus"
    )
    haze_um: Positive = Field(default=15.0, description="Blur of that light, µm (sd)")
    defocus_frames: int = Field(
        default=1, ge=0, description="Frames out of focus after each addition"
    )
    defocus_um: NotNegative = Field(default=2.0, description="Extra blur of these frames, µm (sd)")
    drift_um: NotNegative = Field(
        default=4.0, description="Farthest distance that the sample drifts from its start, µm"
    )

    bit_depth: Literal[12, 16] = Field(default=16, description="Bits of the camera")
    gain_e: Positive = Field(default=0.46, description="Electrons per count")
    offset: NotNegative = Field(default=100.0, description="Counts without light")
    read_noise_e: NotNegative = Field(default=1.6, description="Read noise, electrons (sd)")

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        fret, moving = data.get("kind") == "fret", data.get("moving") is True
        defaults: dict[str, Any] = dict(_FRET) if fret else {}
        if moving:
            defaults |= _MOVING
            defaults["bleach_rate_per_s"] = _BLEACHING_OF_A_LONG_MOVIE[
                "fret" if fret else "intensity"
            ]
        gain = _ELECTRONS_PER_COUNT.get(data.get("bit_depth", 16))
        if gain is not None:
            defaults["gain_e"] = gain
        return defaults | data

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.bleach_rate_per_s) != len(self.channels):
            raise ValueError(
                f"bleach_rate_per_s: expected {len(self.channels)} rates, one for each of "
                f"{', '.join(self.channels)}; found {len(self.bleach_rate_per_s)}"
            )
        if sum(self.phase_shares) <= 0:
            raise ValueError("phase_shares: expected at least one share above 0; found none")
        if self.n_cells > self.capacity:
            raise ValueError(
                f"n_cells: {self.n_cells} cells of {self.cell_diameter_um:g} µm do not fit in "
                f"{self.shape_px[0]} x {self.shape_px[1]} pixels, which hold {self.capacity}; "
                "enlarge shape_px or lower n_cells"
            )
        return self

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the channels."""
        return ("CFP", "FRET") if self.kind == "fret" else ("FluoZin-3",)

    @property
    def diameter_px(self) -> float:
        """Mean diameter of a cell in pixels."""
        return self.cell_diameter_um / self.pixel_size_um

    @property
    def inset_px(self) -> float:
        """Distance of every centre from the edge of the frame, in pixels."""
        drift = self.drift_um / self.pixel_size_um
        return 0.0 if self.edge_cells else 0.75 * self.diameter_px + drift

    @property
    def capacity(self) -> int:
        """Most cells that fit with their centres in the frame."""
        reach = self.diameter_px - 2 * self.inset_px
        height, width = (max(side + reach, self.diameter_px) for side in self.shape_px)
        return int(_DENSEST_PACKING * height * width / (math.pi / 4 * self.diameter_px**2))
