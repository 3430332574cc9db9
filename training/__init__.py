"""Labels, churn and spend models, backtests, tracking, and the one scoring function."""
