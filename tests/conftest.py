"""What all tests share: a slow moment of the machine fails no example of Hypothesis."""

from hypothesis import settings

settings.register_profile("keepworth", deadline=None)
settings.load_profile("keepworth")
