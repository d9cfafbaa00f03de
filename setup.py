"""Builds the compiled parts: everything else about the project is in pyproject.toml."""

from __future__ import annotations

import sys

from Cython.Build import cythonize
from setuptools import Extension, setup

# Apple's clang has no OpenMP of its own; there the search runs on one thread.
OPENMP = [] if sys.platform == "darwin" else ["-fopenmp"]

alignment = Extension(
    "vits.align.search",
    ["vits/align/search.pyx"],
    depends=["vits/align/kernel.h"],
    extra_compile_args=["-O3", *OPENMP],
    extra_link_args=OPENMP,
)

setup(ext_modules=cythonize([alignment], language_level=3))
