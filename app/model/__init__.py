"""The open case and all that is chosen about it; no widget here."""
