"""Who may speak: ten voice slots and a waiting line."""
