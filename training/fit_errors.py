"""What goes wrong in fitting that a caller can go on from."""


class CannotBeFittedError(ValueError):
    """Say what a model lacks in this data; training and backtests go on without it."""
