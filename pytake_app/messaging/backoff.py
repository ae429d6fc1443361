"""How long to wait before the next attempt."""

import random


def jittered(attempts: int, *, base: float, cap: float) -> float:
    """Seconds to wait after `attempts` earlier failures: exponential with full jitter.

    Full jitter (a uniform pick between nothing and the exponential bound) spreads the retries of many clients best:
    AWS Architecture Blog, "Exponential Backoff And Jitter".

    Parameters:
        attempts: failures before this one.
        base: seconds; the first bound.
        cap: seconds; the largest bound.
    """
    bound = min(cap, base * 2 ** min(attempts, 32))
    # Never nothing at all: a retry in the same millisecond meets the same fault.
    return max(base / 10, random.uniform(0, bound))
