"""The bottom floor of the window: theme, menus, messages and small parts of panels."""
