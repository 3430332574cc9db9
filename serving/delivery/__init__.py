"""Telling others what campaigns decided: webhooks, signed and repeated until they are heard."""
