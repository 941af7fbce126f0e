"""The report of a plan: one page for each side, as PDF and as plain text."""
