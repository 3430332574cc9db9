"""The models that the field uses today, fitted and judged beside the product in every backtest."""
