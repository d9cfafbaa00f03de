"""From recordings to a training set."""
