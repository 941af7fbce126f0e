"""What is free of a zone in one view, and what covers the rest."""
