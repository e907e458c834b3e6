"""The log of edits as a file: everything comes back, and what is wrong is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from any_edits import logs
from zincflux.edits import (
    Delete,
    Division,
    EditLog,
    Edits,
    EditSummary,
    Merge,
    Numbered,
    Paint,
    Place,
    Relink,
    Schedule,
    Skipped,
    Split,
)
from zincflux.errors import ExperimentError

DELETE = Delete(point=(2, 3), cell_ids=(4,))


@given(logs(frames=st.none() | st.integers(0, 3)))
def test_a_log_comes_back_as_it_was(log):
    text = log.dumps()
    again = EditLog.loads(text)
    assert again == log
    assert again.dumps() == text


def test_a_log_comes_back_from_its_file(tmp_path):
    log = EditLog(edits=(DELETE, Paint(onto="new", runs=((0, 1, 2),), note='"µ"\\')))
    file = tmp_path / "edits.toml"
    log.write(file)
    assert EditLog.read(file) == log == Edits(path=str(file)).load()
    assert b"\r" not in file.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["edits.toml"]


def test_a_log_that_cannot_be_written_leaves_the_earlier_one(tmp_path, monkeypatch):
    file = tmp_path / "edits.toml"
    EditLog(edits=(DELETE,)).write(file)
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("full")))
    with pytest.raises(OSError, match="full"):
        EditLog().write(file)
    assert EditLog.read(file).edits == (DELETE,)
    assert [path.name for path in tmp_path.iterdir()] == ["edits.toml"]


def test_no_file_is_an_empty_log():
    assert len(Edits().load()) == 0


def test_edits_are_added_and_taken_back():
    log = EditLog().with_edit(DELETE).with_edit(Merge(points=((0, 0), (1, 1))))
    assert [type(edit) for edit in log.edits] == [Delete, Merge]
    assert log.without_last() == EditLog(edits=(DELETE,))
    assert EditLog().without_last() == EditLog()


def test_an_empty_file_is_an_empty_log():
    assert EditLog.loads("") == EditLog()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "edits = 3",
            r"edits: expected tables, found 3\. Write each edit under a line \[\[edits\]",
        ),
        ("edits = [1]", r"edits: expected tables, found \[1\]"),
        ("schema_version = 2", r"schema_version: Input should be 1; found 2"),
        ("edit = []", r"edit: unknown key\. Did you mean 'edits'\?"),
        ("x = " + "[" * 50_000, r"the log of edits: expected TOML, found: "),
        ("x = " + "9" * 5000, r"the log of edits: expected TOML, found: "),
        ("x = ", r"the log of edits: expected TOML, found: .*Correct the text"),
        ("[[edits]]", r"edit 1: kind: expected a kind of edit, found none\. Write one of merge, "),
        ("[[edits]]\nkind = 'mrege'", r"found 'mrege'\. Did you mean 'merge'\?"),
        ("[[edits]]\nkind = []", r"kind: expected a kind of edit, found \[\]"),
        (f"[[edits]]\nkind = '{'x' * 99}'", r"found 'x{58}…\. Write one of"),
    ],
)
def test_what_is_no_log_is_named(text, message):
    with pytest.raises(ExperimentError, match=message):
        EditLog.loads(text)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        ("kind = 'delete'", r"edit 1 \(delete\): point: this key is required"),
        ("kind = 'delete'\npoint = [1, 2]\nframes = 3", r"unknown key\. Did you mean 'frame'\?"),
        ("kind = 'delete'\npoint = [1, -2]", r"point\.1: .*greater than or equal to 0"),
        ("kind = 'delete'\npoint = [1, 2.5]", r"point\.1: Input should be a valid integer"),
        ("kind = 'delete'\npoint = [1, true]", r"point\.1: Input should be a valid integer"),
        ("kind = 'delete'\npoint = [1, 99999999999]", r"point\.1: .*less than or equal to 2147483"),
        ("kind = 'delete'\npoint = [1, nan]", r"point\.1: Input should be a valid integer"),
        ("kind = 'delete'\npoint = [1, 2, 3]", r"point: .*at most 2 items"),
        ("kind = 'delete'\npoint = [1, 2]\nframe = -1", r"frame: .*greater than or equal to 0"),
        ("kind = 'merge'\npoints = [[1, 2]]", r"points: .*at least 2 items"),
        ("kind = 'split'\npoint = [1, 2]", r"expected either other or line, found neither\. Give"),
        (
            "kind = 'split'\npoint = [1, 2]\nother = [3, 4]\nline = [[0, 0], [1, 1]]",
            r"expected either other or line, found both\. Give one of them",
        ),
        (
            "kind = 'split'\npoint = [1, 2]\nother = [1, 2]",
            r"two different pixels, found one twice",
        ),
        (
            "kind = 'paint'\nonto = 'new'\npoint = [1, 2]\nruns = [[1, 2, 3]]",
            r'expected no point with onto = "new", found one',
        ),
        (
            "kind = 'paint'\nonto = 'cell'\nruns = [[1, 2, 3]]",
            r'expected a point with onto = "cell", found none',
        ),
        (
            "kind = 'paint'\nonto = 'new'\nruns = [[1, 3, 3]]",
            r"found \[1, 3, 3\], which holds no pixel\. Correct it",
        ),
        ("kind = 'paint'\nonto = 'new'\nruns = []", r"runs: .*at least 1 item"),
        (
            "kind = 'relink'\nbefore = {frame = 3, point = [1, 1]}\n"
            "after = {frame = 3, point = [1, 1]}",
            r"expected a later frame than 3, found 3\. Correct it",
        ),
        (
            "kind = 'division'\nmother = {frame = 3, point = [1, 1]}\n"
            "daughters = [{frame = 4, point = [1, 1]}, {frame = 2, point = [2, 1]}]",
            r"expected a later frame than 3, found 2\. Correct it",
        ),
        (
            "kind = 'division'\nmother = {frame = 3, point = [1, 1]}\n"
            "daughters = [{frame = 4, point = [1, 1]}, {frame = 4, point = [1, 1]}]",
            r"daughters: expected two places, found one twice",
        ),
        ("kind = 'exclude'\npoint = [1, 1]", r"reason: this key is required"),
        ("kind = 'exclude'\npoint = [1, 1]\nreason = ' \t'", r"expected words, found none"),
        (f"kind = 'exclude'\npoint = [1, 1]\nreason = '{'x' * 81}'", r"at most 80 characters"),
        ("kind = 'accept'\npoint = [1, 1]", r"suspect: this key is required"),
        (
            "kind = 'accept'\npoint = [1, 1]\nsuspect = 'swop'",
            r"suspect: Input should be 'merge', ",
        ),
        ("kind = 'accept'\nsuspect = 'gap'", r"expected a point or a frame, found neither\. Name"),
    ],
)
def test_what_is_no_edit_is_named(edit, message):
    with pytest.raises(ExperimentError, match=message):
        EditLog.loads(f"[[edits]]\n{edit}")


def test_all_that_is_wrong_is_named_at_once():
    with pytest.raises(ExperimentError) as found:
        EditLog.loads("[[edits]]\nkind = 'delete'\n[[edits]]\nkind = 'no'\n")
    assert [line.split(":")[1] for line in str(found.value).splitlines()] == [
        " edit 1 (delete)",
        " edit 2",
    ]


@pytest.mark.parametrize("content", [b"x = " + b"[" * 50_000, b"x = " + b"9" * 5000, b"\xff"])
def test_a_file_that_is_no_toml(tmp_path, content):
    file = tmp_path / "edits.toml"
    file.write_bytes(content)
    with pytest.raises(ExperimentError, match=r"edits\.toml: expected a TOML file, found"):
        EditLog.read(file)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(ExperimentError, match=r"none\.toml: no such file\. Check the path"):
        Edits(path=str(tmp_path / "none.toml")).load()


def test_control_characters_do_not_get_through():
    log = EditLog.loads(
        '[[edits]]\nkind = "exclude"\npoint = [1, 1]\nreason = "=dead\\u0007\\n cell"\n'
        'note = "two\\nlines \\u200b"\n'
    )
    assert log.edits[0].reason == "dead cell"
    assert log.edits[0].note == "two lines"


def test_an_edit_says_what_it_is():
    assert str(Numbered(3, DELETE)) == "edit 3 (delete at [2, 3], then cell 4)"
    many = Merge(points=tuple((k, k) for k in range(5)), cell_ids=(1, 2, 3, 4), frame=7)
    assert str(Numbered(1, many)) == (
        "edit 1 (merge at [0, 0], [1, 1], [2, 2], … in frame 7, then cells 1, 2, 3, …)"
    )
    assert str(Numbered(1, Split(point=(1, 1), other=(2, 2)))) == "edit 1 (split at [1, 1], [2, 2])"
    cut = Split(point=(1, 1), line=((0, 0), (2, 3)))
    assert str(Numbered(1, cut)) == "edit 1 (split at [1, 1])"
    assert str(Numbered(2, Paint(onto="new", runs=((4, 5, 6),)))) == "edit 2 (paint at [4, 5])"
    link = Relink(before=Place(frame=1, point=(2, 3)), after=Place(frame=4, point=(5, 6)))
    assert str(Numbered(2, link)) == "edit 2 (relink at [2, 3] in frame 1 and [5, 6] in frame 4)"


def test_a_division_says_where_it_is():
    daughters = Place(frame=2, point=(0, 1)), Place(frame=2, point=(0, 9))
    edit = Division(mother=Place(frame=1, point=(0, 5)), daughters=daughters)
    assert str(Numbered(1, edit)) == (
        "edit 1 (division at [0, 5] in frame 1, [0, 1] in frame 2, [0, 9] in frame 2)"
    )


def test_what_became_of_edits_is_plain_data():
    summary = EditSummary(2, (Skipped(Numbered(3, DELETE), "gone"),))
    assert summary.summary() == {
        "applied": 2,
        "not_applied": [{"edit": 3, "kind": "delete", "cell_ids": [4], "reason": "gone"}],
    }


FIRST = Place(frame=0, point=(0, 0))


@pytest.mark.parametrize(
    ("edit", "follows", "reason"),
    [
        (DELETE, True, 'it names no frame, which edits need with track.mode = "follow"'),
        (
            Delete(point=(0, 0), frame=3),
            False,
            "it belongs to frame 3, but there is one outline for all frames with "
            'track.mode = "static"',
        ),
        (Delete(point=(0, 0), frame=9), True, "the movie has no frame 9: its last is 4"),
        (
            Relink(before=FIRST),
            False,
            'cells are not linked over time with track.mode = "static"',
        ),
        (
            Relink(before=FIRST, after=Place(frame=5, point=(0, 0))),
            True,
            "the movie has no frame 5: its last is 4",
        ),
    ],
)
def test_edits_that_belong_to_other_settings_say_so(edit, follows, reason):
    schedule = Schedule.of(EditLog(edits=(edit,)), n_frames=5, follows=follows)
    assert [item.reason for item in schedule.skipped] == [reason]
    assert not schedule.outlines
    assert not schedule.links
