"""What the user does, one job each: opening, segmenting, planning, exporting."""
