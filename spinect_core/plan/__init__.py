"""The plan as it is stored: its records, how it is built from results, its wording, the document file."""
