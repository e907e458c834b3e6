"""Kill a batch without warning, again and again, and compare with one that was left in peace.

``python tests/benchmarks/kill_batch.py [--movies 12] [--kills 30] [--jobs 2] [--seed 0]`` runs a
batch of small dishes once undisturbed. Then it starts the same batch elsewhere and kills it with
all its processes (SIGKILL) at random moments of the time that the first one took. A batch that
ends before its moment, or was killed when all movies were finished, is begun afresh. After every
kill, each folder that looks complete has to be complete. In the end the batch runs through, and
all tables, labels and settings have to be the bytes of the undisturbed one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from batch_movies import make_batch

_PROGRAM = """
import sys
from zincflux.batch import run_batch
sheet, settings, out, jobs = sys.argv[1:]
outcome = run_batch(sheet, out, settings=settings, jobs=int(jobs))
print(outcome.done, outcome.skipped, outcome.failed)
"""
_WITH_TIMES = {"run.json", "study.json", "report.html"}
"""Files that say how long something took, or when."""


def start(sheet: Path, settings: Path, out: Path, jobs: int) -> subprocess.Popen[str]:
    """Start a batch as the head of a group of processes."""
    return subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(sheet), str(settings), str(out), str(jobs)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def kill_after(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill a batch and all its processes at a moment; False if it has ended before."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True
    return False


def contents(out: Path) -> dict[str, bytes]:
    """Read all files that have to be the same, by relative path."""
    files = [path for path in out.rglob("*") if path.is_file() and path.name not in _WITH_TIMES]
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in files}


def differences(out: Path, truth: dict[str, bytes]) -> list[str]:
    """Name the files that are not as they should be."""
    found = contents(out)
    return sorted(name for name in {*found, *truth} if found.get(name) != truth.get(name))


def state(out: Path, calm: Path) -> str:
    """Say what a kill has left; folders that look complete have to be so."""
    whole = {path.name for path in next(calm.glob("*/run.json")).parent.iterdir()}
    finished = list(out.glob("*/run.json"))
    for record in finished:
        json.loads(record.read_text(encoding="utf-8"))
        assert {path.name for path in record.parent.iterdir()} == whole, record
    strays = [path.name for path in out.glob(".*-????????")]
    return f"{len(finished)} finished, half written: {strays}"


def main() -> None:
    """Print how many kills were survived."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--movies", type=int, default=12)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kill-batch-"))
    sheet, settings = make_batch(root / "movies", options.movies)
    calm, out = root / "calm", root / "killed"
    begun = time.monotonic()
    assert start(sheet, settings, calm, options.jobs).wait() == 0
    whole_s = time.monotonic() - begun
    truth = contents(calm)
    print(f"undisturbed: {whole_s:.1f} s, {len(truth)} files", flush=True)
    draw = random.Random(options.seed)
    kills = ended = 0
    while kills < options.kills:
        moment = draw.uniform(0, whole_s)
        if kill_after(start(sheet, settings, out, options.jobs), moment):
            kills += 1
            print(f"kill {kills} at {moment:.1f} s: {state(out, calm)}", flush=True)
        else:
            ended += 1
            assert not differences(out, truth), differences(out, truth)
        if len(list(out.glob("*/run.json"))) == options.movies:
            shutil.rmtree(out)  # what follows would kill the study only
    print(f"{kills} kills, {ended} batches that ended before theirs")
    sys.exit(settle(start(sheet, settings, out, options.jobs), out, truth))


def settle(process: subprocess.Popen[str], out: Path, truth: dict[str, bytes]) -> bool:
    """Let the last batch run through; tell whether anything differs."""
    print(f"at last: done, up to date, failed = {process.communicate()[0].strip()}")
    wrong = differences(out, truth)
    left = [path.name for path in out.iterdir() if path.name.startswith(".")]
    print(f"files that differ from the undisturbed batch: {wrong or 'none'} of {len(truth)}")
    print(f"hidden files left: {left}")
    shutil.rmtree(out.parent)
    return bool(wrong)


if __name__ == "__main__":
    main()
