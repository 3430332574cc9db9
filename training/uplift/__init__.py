"""Whom a contact moves: effects by customer, learned from an experiment, judged before use."""
