// Which kernels this machine can run.
#include "voice.h"

namespace parley {
namespace {

// The macros say which kernels setup.py could build.
#if defined(PARLEY_WITH_AVX2)
bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
#endif

#if defined(PARLEY_WITH_AVX512)
bool has_avx512() {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

// The fp32 kernels, and those for narrower numbers where the processor has their instructions.
Kernels with_narrow(Kernels k) {
#if defined(PARLEY_WITH_INT16)
  if (__builtin_cpu_supports("avx512vnni")) {
    k.conv[kInt16] = int16_kernels()->conv[kInt16];
    k.peak[kInt16] = int16_kernels()->peak[kInt16];
  }
#endif
#if defined(PARLEY_WITH_BF16)
  if (__builtin_cpu_supports("avx512bf16")) {
    k.conv[kBf16] = bf16_kernels()->conv[kBf16];
    k.peak[kBf16] = bf16_kernels()->peak[kBf16];
  }
#endif
  return k;
}
#endif

// Best first.
std::vector<const Kernels*> available() {
  std::vector<const Kernels*> found;
#if defined(PARLEY_WITH_AVX512)
  if (has_avx512()) {
    static const Kernels best = with_narrow(*avx512_kernels());
    found.push_back(&best);
  }
#endif
#if defined(PARLEY_WITH_AVX2)
  if (has_avx2()) found.push_back(avx2_kernels());
#endif
  found.push_back(portable_kernels());
  return found;
}

}  // namespace

const Kernels* find_kernels(const std::string& name) {
  for (const Kernels* k : available())
    if (name.empty() || name == k->name) return k;
  return nullptr;
}

std::string instruction_sets() {
  std::string names;
  for (const Kernels* k : available()) names += (names.empty() ? "" : " ") + std::string(k->name);
  return names;
}

}  // namespace parley
