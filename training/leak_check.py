"""The canary in training: signals at a landmark must not know what came after it."""

import numpy as np

from features.asked import Asked
from features.canary import require_no_leak, sampled
from features.instants import datetime_of
from features.log import bucket_of
from training.known import Known


def require_no_leak_at_a_landmark(known: Known) -> None:
    """Hold the middle landmark against the canary, on some customers of the first block.

    Raises
    ------
    LeakFoundError
        If a signal differs with what became known at or after the landmark.
    """
    landmark, references = list(known.landmarks.items())[len(known.landmarks) // 2]
    block = next(known.blocks(), None)
    if block is None:
        return
    seen = np.flatnonzero(np.diff(block.history.visible_before(landmark.as_of).offsets))
    chosen = sampled(seen if len(seen) else np.arange(block.history.n_customers))
    ids = list(block.history.customer_ids[chosen])
    bucket = bucket_of(ids[0], known.log.n_buckets)
    events = known.log.read_events(bucket, datetime_of(known.cutoff), ids)
    asked = Asked(datetime_of(landmark.as_of), known.signals, references)
    require_no_leak(events, block.profiles.customers(chosen), known.business, asked)
