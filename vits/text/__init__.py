"""Text fronts: from writing to the symbol ids a voice was trained on. Imports no torch."""
