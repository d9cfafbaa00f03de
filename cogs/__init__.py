"""The Discord surface: one file per command group. Parse, call a service, render; nothing else."""
