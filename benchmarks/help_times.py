"""How long every `--help` takes, cold process, best and worst of a few: python benchmarks/help_times.py"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

from mimique.help_page import commands

LIMIT_S = 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    repeat = parser.parse_args().repeat
    print(f"{'command':<28} {'best s':>7} {'worst s':>8}")
    slowest = 0.0
    for line, _ in commands():
        times = [seconds(line) for _ in range(repeat)]
        slowest = max(slowest, min(times))
        print(f"{line:<28} {min(times):>7.3f} {max(times):>8.3f}")
    print(f"slowest best: {slowest:.3f} s, aim {LIMIT_S} s")


def seconds(line: str) -> float:
    program, *rest = line.split()
    started = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name(program), *rest, "--help"], check=True, stdout=subprocess.DEVNULL
    )
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
