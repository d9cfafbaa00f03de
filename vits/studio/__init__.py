"""Making a voice as one piece of work, and a page on localhost for trying voices.

- :mod:`vits.studio.orders` what is to be done, and how far it is; plain files
- :mod:`vits.studio.work` does it: data, training, judgement, in a process of its own
- :mod:`vits.studio.page` the page: ``python -m vits studio``
"""
