"""Commands that belong together under one word: `keepworth keys make` and the like."""
