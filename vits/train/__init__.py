"""The one trainer: how many speakers, which parts, adversarial or not, and where are data.

- :mod:`vits.train.recipe` stages, learning rates and weights
- :mod:`vits.train.corpus` utterances in memory, and random crops that a seed decides
- :mod:`vits.train.reader` the posterior encoder, taught first where the base voice has none
- :mod:`vits.train.objective` the losses of one step; :mod:`vits.train.trainer` the loop

Legend: B batch, C latent channels, T latent frames, F spectrogram bins, n samples (T x hop).
"""
