"""A page in the browser that looks at the sandbox as one of its members, and acts as them.

``open_page(sandbox, people)`` serves it over plain HTTP on a loopback port of its own; everything
that happens travels over one websocket (``session.py``), sound as binary frames (``sound.py``).
"""
