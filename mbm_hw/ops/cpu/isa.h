// The variants of the kernels, one for each instruction set, and the choice among them.
//
// The sources in kernels/ are compiled once for each variant, in the namespace MBM_HW_ISA, with
// that variant's compiler flags; all else is compiled for the plainest machine. To add a kernel:
// declare it between MBM_HW_EACH_ISA( and ), define it in kernels/ in namespace
// mbm_hw::MBM_HW_ISA, and call it as MBM_HW_CALL(isa, name, arguments).
//
// The linker keeps one copy of an inline function or template that several files instantiate. Were
// it that of an AVX-512 file, portable code would run AVX-512. So sources in kernels/ use no
// standard-library functions, and their own helpers are static or in an unnamed namespace; the
// build fails if one of their objects has a weak symbol.
#pragma once

#include <string_view>
#include <vector>

namespace mbm_hw {

enum class Isa {
  kPortable,
  kAvx2,    // AVX2, FMA
  kAvx512,  // AVX-512 F, BW, DQ, VL, VBMI, VNNI
  kNeon,    // every aarch64 machine has it
};

// Returns the named variant, or the best one for "". A std::invalid_argument if there is no such
// variant or this machine cannot run it.
Isa choose_isa(std::string_view name);
std::string_view name_of(Isa isa);
std::vector<Isa> available_isas();  // the best one last

#ifdef MBM_HW_X86
#define MBM_HW_BOTH_VECTOR_ISAS(...)  \
  namespace avx2 { __VA_ARGS__ }      \
  namespace avx512 { __VA_ARGS__ }
#define MBM_HW_EACH_ISA(...)          \
  namespace portable { __VA_ARGS__ }  \
  MBM_HW_BOTH_VECTOR_ISAS(__VA_ARGS__)
#define MBM_HW_CALL(isa, name, ...)                                    \
  ((isa) == ::mbm_hw::Isa::kAvx512 ? ::mbm_hw::avx512::name(__VA_ARGS__)  \
   : (isa) == ::mbm_hw::Isa::kAvx2 ? ::mbm_hw::avx2::name(__VA_ARGS__)    \
                                   : ::mbm_hw::portable::name(__VA_ARGS__))
#elif defined(MBM_HW_NEON)
#define MBM_HW_EACH_ISA(...)          \
  namespace portable { __VA_ARGS__ }  \
  namespace neon { __VA_ARGS__ }
#define MBM_HW_CALL(isa, name, ...)                                 \
  ((isa) == ::mbm_hw::Isa::kNeon ? ::mbm_hw::neon::name(__VA_ARGS__) \
                                 : ::mbm_hw::portable::name(__VA_ARGS__))
#else
#define MBM_HW_EACH_ISA(...) namespace portable { __VA_ARGS__ }
#define MBM_HW_CALL(isa, name, ...) ((void)(isa), ::mbm_hw::portable::name(__VA_ARGS__))
#endif

}  // namespace mbm_hw
