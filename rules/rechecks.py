"""When something that is not settled is looked at again. Pure."""

DOUBLINGS_MAX = 30


def recheck_delay_s(attempt: int, after_s: float, max_s: float, lag_s: float | None) -> float:
    """Return how long to wait after an attempt (from 1): twice as long each time, and never less than the lag.

    What the store cannot have yet is not worth a look: its measured lag wins over the pace, also over the longest wait.
    """
    paced = min(max_s, after_s * float(2 ** min(attempt - 1, DOUBLINGS_MAX)))
    return max(paced, lag_s or 0.0)
