import pytest
from pydantic import ValidationError

from zincflux.errors import ExperimentError
from zincflux.settings import dumps, keys
from zincflux.statistics import StudySettings


def test_every_key_has_help_and_can_be_written():
    assert all(key.help for key in keys(StudySettings))
    settings = StudySettings(control="vehicle", metrics=("rate_nM_per_s",))
    assert 'control = "vehicle"' in dumps(settings)


def test_settings_are_frozen():
    with pytest.raises(ValidationError):
        StudySettings().control = "x"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"controll": "a"}, r"controll: unknown key. Did you mean 'control'\?"),
        ({"control": ""}, r"control: String should have at least 1 character; found ''"),
        ({"control_dose": -1}, r"control_dose: Input should be greater than or equal to 0"),
        ({"control_dose": float("nan")}, r"control_dose: Input should be a finite number"),
        ({"alpha": 0.5}, r"alpha: Input should be less than 0.5"),
        ({"level": "mode"}, r"level: Input should be 'median', 'mean' or 'geometric-mean'"),
        ({"comparison": "sidak"}, r"comparison: Input should be 'dunnett' or 'tukey'"),
        ({"metrics": ["a", "a"]}, r"metrics: expected names that differ, found 'a', 'a'"),
        (
            {"subtract_control": "leak", "metrics": ["peak_f_f0"]},
            r"subtract_control has no effect: it changes rates, but metrics names none",
        ),
    ],
)
def test_a_wrong_key_is_refused(data, message):
    with pytest.raises(ExperimentError, match=message):
        StudySettings.parse(data, where="study.toml")


def test_a_control_of_rates_is_accepted():
    given = {"subtract_control": "leak", "metrics": ["rate_nM_per_s", "peak_f_f0"]}
    assert StudySettings.parse(given, where="study.toml").subtract_control == "leak"
