"""VITS in PyTorch: the reference that every engine is held against, and what trains."""
