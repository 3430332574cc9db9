"""Retraining: the job that trains, compares, decides and promotes, and what it leaves on record."""
