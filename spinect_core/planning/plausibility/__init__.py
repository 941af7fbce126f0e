"""Whether a whole case can be right: its CT, its labels, and the level in them, each looked at by simple measures."""
