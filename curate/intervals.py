"""95 % intervals of shares, and of the difference of two shares.

Sources: E. B. Wilson, Probable inference, JASA 22 (1927); R. G. Newcombe, Interval estimation for the difference
between independent proportions, Statistics in Medicine 17 (1998), method 10.
"""

from __future__ import annotations

import math

Z = 1.959964
Bounds = tuple[float, float]


def wilson_interval(hits: float, total: float, z: float = Z) -> Bounds:
    """Where a share truly lies with 95 % confidence, given ``hits`` of ``total``; both may be fractions.

    Without observations: 0 to 1.
    """
    if total <= 0:
        return 0.0, 1.0
    share = hits / total
    centre = share + z * z / (2 * total)
    spread = z * math.sqrt(max(share * (1 - share), 0.0) / total + z * z / (4 * total * total))
    scale = 1 + z * z / total
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)


def difference_interval(before: tuple[float, float], after: tuple[float, float]) -> Bounds:
    """Where the second share less the first lies; each is given as (hits, total), totals above 0."""
    first, second = before[0] / before[1], after[0] / after[1]
    (low1, high1), (low2, high2) = wilson_interval(*before), wilson_interval(*after)
    change = second - first
    return (
        change - math.hypot(second - low2, high1 - first),
        change + math.hypot(high2 - second, first - low1),
    )
