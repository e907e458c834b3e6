"""The constants as data, and files of a user's own."""

import pytest

from zincflux.buffers import ConstantSet, load_constants
from zincflux.errors import ExperimentError

OWN = """
[[chelators]]
name = "NTA"
charge = 3
log_k_protonation = [9.7]
source = "own titration"

[[chelators.complexes]]
metal = "Mn"
log_k = 7.4
"""

CHARGES = {
    "EGTA": 4, "HEDTA": 3, "EDTA": 4, "NTA": 3, "citrate": 3, "TPEN": 0, "ATP": 4, "ADA": 2,
}  # fmt: skip


def test_every_chelator_has_its_true_charge_source_and_metals():
    library = load_constants()
    assert {one.name: one.charge for one in library.chelators} == CHARGES
    for one in library.chelators:
        assert "free_metal" in one.source
        assert "NIST" in one.source
        assert [item.metal for item in one.complexes] == ["Zn", "Ca", "Mg"]


@pytest.mark.parametrize("written", ["Zn", "zn", "Zn2+", "Zn(II)"])
def test_spellings_of_a_metal(written):
    assert load_constants().metal(written).symbol == "Zn"


@pytest.mark.parametrize("metal", ["Mn", "Cu", "Fe(II)", "Cd", "Ni", "Co"])
@pytest.mark.parametrize("chelator", CHARGES)
def test_a_pair_without_constant_is_refused_by_name(metal, chelator):
    library = load_constants()
    symbol = library.metal(metal).symbol
    with pytest.raises(ExperimentError, match=rf"{symbol} with {chelator}: no stab.*--constants"):
        library.chelator(chelator).complex_with(symbol)


def test_unknown_names_suggest_the_near_one():
    with pytest.raises(ExperimentError, match=r"chelator: .*found 'EGTB'. Did you mean 'EGTA'"):
        load_constants().chelator("EGTB")
    with pytest.raises(ExperimentError, match=r"metal: expected one of Zn, .*found 'Xx'. Others"):
        load_constants().metal("Xx")


def test_a_file_of_ones_own_stands_before_the_library(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    own = load_constants(path)
    assert own.chelator("nta").complex_with("Mn").log_k == 7.4
    assert own.chelator("EGTA") == load_constants().chelator("EGTA")
    with pytest.raises(ExperimentError, match="Zn with NTA"):
        own.chelator("NTA").complex_with("Zn")


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("log_k_protonatd = 3.0", r"own.toml: .*unknown key"),
        ('[[chelators.complexes]]\nmetal = "mn"\nlog_k = 7', "metal 'Mn' is given more than once"),
        ('[[metals]]\nsymbol = "Zn"\n[[metals]]\nsymbol = "Zn"', "metal 'Zn' is given more"),
    ],
)
def test_a_file_that_is_wrong(tmp_path, extra, message):
    path = tmp_path / "own.toml"
    path.write_text(OWN + extra, encoding="utf-8")
    with pytest.raises(ExperimentError, match=message):
        load_constants(path)


def test_more_enthalpies_than_protons():
    one = load_constants().chelator("ATP").model_dump() | {"enthalpy_protonation_kcal": [1, 2, 3]}
    with pytest.raises(ExperimentError, match="ATP: expected at most 2 values in enthalpy_prot"):
        ConstantSet.parse({"chelators": [one]}, where="own")


def test_a_missing_file():
    with pytest.raises(ExperimentError, match="no such file"):
        load_constants("nowhere.toml")
