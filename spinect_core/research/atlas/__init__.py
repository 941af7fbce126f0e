"""How the atlas of the lumbosacral spine is made."""
