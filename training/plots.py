"""Plots that tracking keeps with a model version."""

import numpy as np
from matplotlib.figure import Figure

from training.check import Check

_INK = "#1f4e79"


def calibration_plot(check: Check) -> Figure:
    """Draw the share that happened over the probability given, by tenth of rows."""
    predicted, actual = check.calibration_curve()
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    highest = float(max(predicted.max(), actual.max())) * 1.05
    axes.plot([0, highest], [0, highest], color="grey", linestyle="--", linewidth=1)
    axes.plot(predicted, actual, color=_INK, marker="o")
    axes.set(
        xlabel="predicted probability a month", ylabel="share that happened", title="Calibration"
    )
    return figure


def gain_plot(check: Check) -> Figure:
    """Draw how many of the outcomes are among the rows with the highest probability."""
    taken, found = check.gain_curve()
    drawn = np.linspace(0, len(taken) - 1, num=min(len(taken), 500)).astype(int)
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1)
    axes.plot(taken[drawn], found[drawn], color=_INK)
    axes.set(xlabel="share of rows, highest first", ylabel="share of outcomes", title="Gain")
    return figure
