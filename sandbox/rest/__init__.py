"""REST v10: ``app.py`` takes a call in, one file for each kind of resource answers it."""
