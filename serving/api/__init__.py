"""The HTTP service: an ASGI application of our own inside BentoML."""
