"""A simulated telecom operator whose true hazards and margins are known."""
