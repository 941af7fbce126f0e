"""The search over all views: free windows by view, angle maps, the best and the recommended view."""
