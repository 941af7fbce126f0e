"""The one sentence that the program and every export carry."""

NOTICE = "For research, planning and teaching. Not cleared for clinical use."
