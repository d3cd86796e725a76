"""How long the whole demo takes in a new workspace, and a second run in the same: python benchmarks/demo_time.py"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from mimique.demo import DemoPlan, run_demo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        plan = DemoPlan(Path(folder) / "demo", arguments.count, arguments.seed)
        for name in ("first run", "again"):
            started = time.perf_counter()
            run_demo(plan)
            print(
                f"{name}: {time.perf_counter() - started:.0f} s on {os.cpu_count()} cores, {plan.count} photos"
            )


if __name__ == "__main__":
    main()
