"""Measures the phantom from its labels alone, compares it with the literature and looks for impossible anatomy."""
