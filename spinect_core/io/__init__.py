"""CTs and labels from disk and to disk."""
