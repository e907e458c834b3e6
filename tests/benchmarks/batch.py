"""Time whole batches of small wells, and their memory: one job, two, and over Dask.

``python tests/benchmarks/batch.py [--wells 96] [--distinct 12] [--jobs 1 2] [--no-dask]`` simulates
a few small movies and runs a plate of wells that share them, each well into a folder of its own.
Every way runs in a process of its own and is compared with one job. Printed: wall time of
checking, of the movies and of the study, wells per minute, processor time, the most memory that
all processes held together, and the files written. ``--wells 8`` is the batch of eight movies.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_SIMULATION = ("n_cells=14", "n_frames=48", "shape_px=[128, 128]", "cell_diameter_um=12")
_PROGRAM = """
import json, sys, time
from zincflux.batch import iter_batch
sheet, out, jobs, scheduler = sys.argv[1:]
start = time.monotonic()
steps = iter_batch(sheet, out, jobs=int(jobs) or None, scheduler=scheduler or None)
times = {}
while True:
    try:
        step = next(steps)
    except StopIteration as stop:
        outcome = stop.value
        break
    part = "check" if step.stage == "check" else "movies" if step.sample else "study"
    times[part] = time.monotonic() - start
times["whole"] = time.monotonic() - start
print(json.dumps({**times, "done": outcome.done, "failed": outcome.failed}))
"""
"""Ends of the parts of a batch, s after its start."""


def make_plate(root: Path, n_wells: int, n_distinct: int) -> Path:
    """Simulate movies and write the sheet of a plate of them."""
    movies = []
    for seed in range(min(n_distinct, n_wells)):
        folder = root / f"movie{seed}"
        sets = [part for one in _SIMULATION for part in ("--set", one)]
        command = [sys.executable, "-m", "zincflux", "simulate", "--quiet", "--out", str(folder)]
        subprocess.run([*command, "--seed", str(seed), *sets], check=True)
        movies.append(f"{folder.name}/experiment.toml")
    lines = ["path,sample,condition,experiment,well"]
    for n in range(n_wells):
        well = f"{'ABCDEFGH'[n // 12 % 8]}{n % 12 + 1:02d}"
        condition = ("vehicle", "zinc")[n % 2]
        lines.append(f"{movies[n % len(movies)]},{well} {n},{condition},day {n // 2 % 3},{well}")
    sheet = root / "sheet.csv"
    sheet.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return sheet


def run(sheet: Path, out: Path, jobs: int, scheduler: str, others: list[int]) -> dict[str, float]:
    """Run a batch; give times in s and memory in MB, with that of other processes."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(sheet), str(out), str(jobs), scheduler],
        stdout=subprocess.PIPE,
        text=True,
    )
    peak, before, status = 0.0, used_s(others), 0
    while not status:
        peak = max(peak, held_mb([process.pid, *others]))
        time.sleep(0.2)
        # With the time of the processes that it has started and waited for.
        status, _, usage = os.wait4(process.pid, os.WNOHANG)
    assert process.stdout is not None
    cpu_s = usage.ru_utime + usage.ru_stime + used_s(others) - before
    return {**json.loads(process.stdout.read()), "peak_mb": peak, "cpu_s": cpu_s}


def used_s(processes: list[int]) -> float:
    """Sum the processor time of processes, s."""
    return sum(sum(psutil.Process(one).cpu_times()[:2]) for one in processes)


def held_mb(roots: list[int]) -> float:
    """Sum the memory of processes and all below them, without what they share."""
    total = 0.0
    for root in roots:
        try:
            parent = psutil.Process(root)
            for one in [parent, *parent.children(recursive=True)]:
                total += one.memory_full_info().uss / 1e6
        except psutil.Error:
            continue
    return total


@contextmanager
def dask(folder: Path, n_workers: int) -> Iterator[tuple[str, list[int]]]:
    """Start a scheduler with workers; give its address and the processes."""
    file = folder / "scheduler.json"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    command = [sys.executable, "-m", "dask"]
    place = ["--scheduler-file", str(file), "--host", "127.0.0.1", "--no-dashboard"]
    started = [subprocess.Popen([*command, "scheduler", "--port", "0", *place], **quiet)]
    started += [
        subprocess.Popen([*command, "worker", "--nthreads", "1", "--no-nanny", *place], **quiet)
        for _ in range(n_workers)
    ]
    try:
        from distributed import Client

        with Client(scheduler_file=str(file), set_as_default=False, timeout=60) as client:
            client.wait_for_workers(n_workers, timeout=120)
        yield json.loads(file.read_text(encoding="utf-8"))["address"], [p.pid for p in started]
    finally:
        for process in started:
            process.kill()
            process.wait()


def show(name: str, found: dict[str, float], n_wells: int, first: dict[str, float]) -> None:
    """Print one line of the table."""
    movies_s = found["movies"] - found["check"]
    over_one = (first["movies"] - first["check"]) / movies_s
    print(
        f"| {name} | {found['check']:.1f} s | {movies_s:.1f} s | "
        f"{found['whole'] - found['movies']:.1f} s | {60 * n_wells / movies_s:.1f} | "
        f"{over_one:.2f} × | {found['cpu_s'] / n_wells:.1f} s | "
        f"{found['peak_mb']:.0f} MB |",
        flush=True,
    )


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--wells", type=int, default=96)
    parser.add_argument("--distinct", type=int, default=12)
    parser.add_argument("--jobs", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--no-dask", action="store_true")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="batch-"))
    sheet = make_plate(root, options.wells, options.distinct)
    print(f"{platform.platform()}, Python {platform.python_version()}, {os.cpu_count()} cores, ")
    print(f"load {os.getloadavg()[0]:.1f} before the start; {options.wells} wells\n")
    print(
        "| way | check | movies | study | wells per minute | over one job | "
        "processor time per well | memory |"
    )
    print("|---|---|---|---|---|---|---|---|", flush=True)
    first: dict[str, float] = {}
    for jobs in options.jobs:
        found = run(sheet, root / f"out{jobs}", jobs, "", [])
        first = first or found
        show(f"{jobs} jobs", found, options.wells, first)
    if not options.no_dask:
        with dask(root, max(options.jobs)) as (address, pids):
            found = run(sheet, root / "dask", 0, address, pids)
        show(f"Dask, {max(options.jobs)} workers", found, options.wells, first)
    again = run(sheet, root / f"out{options.jobs[0]}", 1, "", [])
    print(f"\nonce more, all up to date: {again['whole']:.1f} s")
    out = root / f"out{options.jobs[0]}"
    files = [path for path in out.rglob("*") if path.is_file()]
    inside = [path for path in files if path.parent != out and (path.parent / "run.json").exists()]
    print(f"files: {len(files)}, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB; ")
    print(f"per well {len(inside) / options.wells:.0f}, ", end="")
    print(f"{sum(path.stat().st_size for path in inside) / 1e6 / options.wells:.2f} MB")
    shutil.rmtree(root)


if __name__ == "__main__":
    main()
