"""VITS in PyTorch: the reference that every engine is held against, and what trains.

Read in this order: ``layers``, ``text_encoder``, ``splines``, ``durations``, ``flow``,
``posterior``, ``decoder``, ``model``. Sections in the docstrings are those of the VITS paper
(Kim, Kong and Son, 2021). Parameter names are those of :mod:`vits.layout`, so a voice folder's
tensors are the state dictionary.

Legend for every shape: B batch, T_text symbols, T latent frames, C latent channels, H hidden
channels, G speaker channels, n samples = T x hop. A mask is 1 where there is data, else 0.
"""
