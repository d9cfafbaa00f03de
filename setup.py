"""Builds the compiled parts: everything else about the project is in pyproject.toml.

Compiled are the alignment search (Cython) and the voice engine (C++). The engine's kernels are
compiled once for each instruction set; which of them run is decided when a voice is opened. Where
the compiler lacks an instruction set that set is left out, and where there is no C++ compiler the
engine is left out: voices then speak through onnxruntime.
"""

from __future__ import annotations

import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy
from Cython.Build import cythonize
from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.errors import CompileError

# Apple's clang has no OpenMP of its own; there the search runs on one thread.
OPENMP = [] if sys.platform == "darwin" else ["-fopenmp"]

alignment = Extension(
    "vits.align.search",
    ["vits/align/search.pyx"],
    depends=["vits/align/kernel.h"],
    include_dirs=[numpy.get_include()],
    define_macros=[("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION")],
    extra_compile_args=["-O3", *OPENMP],
    extra_link_args=OPENMP,
)

NATIVE = Path("vits/engine/native")
X86 = platform.machine().lower() in {"x86_64", "amd64"}
CXX = ["-std=c++17", "-O3", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math"]
CXX += ["-g0", "-Wno-maybe-uninitialized"] if sys.platform == "linux" else []
AVX512 = ["-mavx2", "-mfma", "-mavx512f", "-mavx512bw", "-mavx512vl", "-mavx512dq"]
AVX512 += ["-mprefer-vector-width=512"]


class Variant(NamedTuple):
    """One compilation of kernels: a source for an instruction set, and the macro that tells the
    dispatcher it is there."""

    source: str
    name: str
    flags: list[str]
    macro: str

    @property
    def macros(self) -> list[tuple[str, str | None]]:
        return [("PARLEY_KERNELS", f"{self.name}_kernels"), ("PARLEY_NAME", f'"{self.name}"')]


VARIANTS = [
    Variant("kernels.cpp", "avx2", ["-mavx2", "-mfma"], "PARLEY_WITH_AVX2"),
    Variant("kernels.cpp", "avx512", AVX512, "PARLEY_WITH_AVX512"),
    Variant("int16.cpp", "int16", [*AVX512, "-mavx512vnni"], "PARLEY_WITH_INT16"),
    Variant("bf16.cpp", "bf16", [*AVX512, "-mavx512bf16"], "PARLEY_WITH_BF16"),
]
PORTABLE = Variant("kernels.cpp", "portable", [], "")

engine = Extension(
    "vits.engine._native",
    sorted(
        str(path)
        for path in NATIVE.glob("*.cpp")
        if path.name not in {"kernels.cpp", "int16.cpp", "bf16.cpp"}
    ),
    depends=sorted(map(str, [*NATIVE.glob("*.h"), *NATIVE.glob("*.cpp")])),
    extra_compile_args=CXX,
    language="c++",
    optional=True,
)


class Build(build_ext):
    """The ordinary build, with each variant's objects added to the engine; every core compiles."""

    def build_extension(self, ext: Extension) -> None:
        if ext is engine or ext.name == engine.name:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                found = [pool.submit(self._variant, variant) for variant in VARIANTS if X86]
                portable = pool.submit(self._variant, PORTABLE)
                for variant, objects in zip(VARIANTS, found, strict=False):
                    try:
                        ext.extra_objects = [*ext.extra_objects, *objects.result()]
                    except CompileError:
                        self.warn(f"left out: this compiler cannot build for {variant.name}")
                    else:
                        ext.define_macros.append((variant.macro, None))
                rest = list(pool.map(lambda source: self._rest(ext, source), ext.sources))
            ext.extra_objects = [
                *ext.extra_objects,
                *portable.result(),
                *(each for one in rest for each in one),
            ]
            ext.sources = []
        super().build_extension(ext)

    def _rest(self, ext: Extension, source: str) -> list[str]:
        found: list[str] = self.compiler.compile(
            [source],
            output_dir=self.build_temp,
            macros=ext.define_macros,
            include_dirs=ext.include_dirs,
            extra_postargs=ext.extra_compile_args,
            depends=ext.depends,
        )
        return found

    def _variant(self, variant: Variant) -> list[str]:
        found: list[str] = self.compiler.compile(
            [str(NATIVE / variant.source)],
            output_dir=str(Path(self.build_temp) / variant.name),
            macros=variant.macros,
            extra_postargs=[*CXX, "-ffp-contract=fast", *variant.flags],
            depends=engine.depends,
        )
        return found


if __name__ == "__main__":
    setup(
        ext_modules=[*cythonize([alignment], language_level=3), engine],
        cmdclass={"build_ext": Build},
    )
