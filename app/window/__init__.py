"""The window itself: what it holds, its actions and menus, and how its 3D view starts."""
