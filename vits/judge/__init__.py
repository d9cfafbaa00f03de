"""How good is a voice: likeness, intelligibility, quality."""
