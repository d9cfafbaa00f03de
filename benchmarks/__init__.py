"""What every speed claim comes from: ``make bench``, or ``python -m benchmarks NAME...``."""
