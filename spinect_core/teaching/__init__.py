"""Teaching: cases drawn on demand, tasks, attempts and what they are worth, classes and their tables."""
