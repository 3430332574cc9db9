"""Pure arithmetic on arrays: survival, discounting, CLV, equity, payback, levers."""
