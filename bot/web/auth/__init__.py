"""Who is asking, and which repositories they may see."""
