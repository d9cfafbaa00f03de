"""Voice folders, and every checkpoint format we import."""
