#include "isa.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>

namespace mbm_hw {

namespace {

constexpr std::array<std::string_view, 4> kNames{"portable", "avx2", "avx512", "neon"};

bool runs_here(Isa isa) {
#ifdef MBM_HW_X86
  const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (isa == Isa::kAvx2) return avx2;
  if (isa == Isa::kAvx512) {
#ifdef MBM_HW_EMULATE_AVX512
    return avx2;
#endif
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vnni");
  }
#endif
#ifdef MBM_HW_NEON
  if (isa == Isa::kNeon) return true;
#endif
  return isa == Isa::kPortable;
}

}  // namespace

std::string_view name_of(Isa isa) { return kNames[size_t(isa)]; }

std::vector<Isa> available_isas() {
  std::vector<Isa> isas;
  for (const Isa isa : {Isa::kPortable, Isa::kAvx2, Isa::kAvx512, Isa::kNeon}) {
    if (runs_here(isa)) isas.push_back(isa);
  }
  return isas;
}

Isa choose_isa(std::string_view name) {
  const auto isas = available_isas();
  if (name.empty()) return isas.back();
  for (const Isa isa : isas) {
    if (name_of(isa) == name) return isa;
  }
  std::string names;
  for (const Isa isa : isas) names.append(names.empty() ? "" : ", ").append(name_of(isa));
  const bool known = std::find(kNames.begin(), kNames.end(), name) != kNames.end();
  throw std::invalid_argument(
      (known ? "this machine cannot run the kernels " : "there are no kernels ") +
      ("'" + std::string(name) + "'; it runs ") + names);
}

}  // namespace mbm_hw
