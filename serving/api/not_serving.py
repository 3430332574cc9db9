"""The one way starting the service fails without a mistake of the caller; light to import."""


class NotServingError(RuntimeError):
    """Say that the server did not become ready, or ended by itself."""
