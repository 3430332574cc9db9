"""The report a marketing director reads: one HTML file that needs nothing but itself."""
