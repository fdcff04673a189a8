// The Python module mbm_hw.ops._cpu. Its callers have checked shapes, dtypes and the codes' range.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <stdexcept>
#include <variant>

#include "conv2d.h"
#include "exact_multiplier.h"
#include "float_multiplier.h"
#include "isa.h"
#include "log_multiplier.h"
#include "parallel.h"
#include "pattern_multiplier.h"
#include "table_multiplier.h"

namespace nb = nanobind;

namespace mbm_hw {
namespace {

using Codes = nb::ndarray<nb::ro, nb::ndim<4>, nb::device::cpu>;
using Sums = nb::ndarray<nb::ndim<4>, nb::device::cpu>;
using Values = nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>;
using Table = nb::ndarray<const int32_t, nb::ndim<2>, nb::device::cpu>;
using Pair = std::array<int64_t, 2>;

// A multiplier of any kind, ready for the kernels, as Python holds it.
class Multiplier {
 public:
  template <class Kind, class... Arguments>
  static Multiplier* make(Arguments&&... arguments) {
    auto* multiplier = new Multiplier;
    multiplier->kind_.emplace<Kind>(std::forward<Arguments>(arguments)...);
    return multiplier;
  }

  template <class Visitor>
  void visit(const Visitor& visitor) const {
    std::visit([&](const auto& kind) {
      if constexpr (!std::is_same_v<std::decay_t<decltype(kind)>, std::monostate>) visitor(kind);
    }, kind_);
  }

 private:
  std::variant<std::monostate, ExactInt8, ExactUInt8, ExactInt16, ExactUInt16,
               LogMultiplier<int16_t>, LogMultiplier<int32_t>,
               FloatExactMultiplier, FloatLogMultiplier,
#ifdef MBM_HW_X86
               ByteTableInt8, ByteTableUInt8, PatternInt8, PatternInt16,
#endif
               TableInt8, TableUInt8, TableInt16, TableUInt16> kind_;
};

Multiplier* exact_multiplier(int width, bool is_signed, Isa isa) {
  if (width <= 8) {
    return is_signed ? Multiplier::make<ExactInt8>(isa) : Multiplier::make<ExactUInt8>(isa);
  }
  return is_signed ? Multiplier::make<ExactInt16>(isa) : Multiplier::make<ExactUInt16>(isa);
}

Multiplier* log_multiplier(int width, bool is_signed, int truncation,
                           std::array<uint32_t, 2> corrections, int small_characteristic, Isa isa) {
  const LogParameters parameters{
      width, truncation, {corrections[0], corrections[1]}, small_characteristic};
#ifdef MBM_HW_X86
  if (is_signed && isa != Isa::kPortable && PatternInt16::takes(parameters)) {
    return width <= 8 ? Multiplier::make<PatternInt8>(parameters, isa)
                      : Multiplier::make<PatternInt16>(parameters, isa);
  }
#endif
  if (width <= 8) return nullptr;
  return is_signed ? Multiplier::make<LogMultiplier<int16_t>>(parameters, isa)
                   : Multiplier::make<LogMultiplier<int32_t>>(parameters, isa);
}

Multiplier* float_exact_multiplier(int exponent_bits, int mantissa_bits, Isa isa) {
  return Multiplier::make<FloatExactMultiplier>(exponent_bits, mantissa_bits, isa);
}

Multiplier* float_log_multiplier(int exponent_bits, int mantissa_bits, int truncation, bool forced,
                                 std::array<uint32_t, 2> corrections, Isa isa) {
  const FloatLogParameters parameters{
      exponent_bits, mantissa_bits, truncation, forced, {corrections[0], corrections[1]}};
  return Multiplier::make<FloatLogMultiplier>(parameters, isa);
}

Multiplier* table_multiplier(const Table& array, int width, bool is_signed, Isa isa) {
  if (width < 4 || width > 12 || array.shape(0) != size_t(1) << width ||
      array.shape(1) != array.shape(0)) {
    throw std::invalid_argument("a table must be [2**width, 2**width], width 4 to 12");
  }
  const ProductTable table{array.data(), array.stride(0), array.stride(1), width};
#ifdef MBM_HW_X86
  if (width <= 8 && isa != Isa::kPortable) {
    return is_signed ? Multiplier::make<ByteTableInt8>(table, isa)
                     : Multiplier::make<ByteTableUInt8>(table, isa);
  }
#endif
  if (width <= 8) {
    return is_signed ? Multiplier::make<TableInt8>(table, isa) : Multiplier::make<TableUInt8>(table, isa);
  }
  return is_signed ? Multiplier::make<TableInt16>(table, isa) : Multiplier::make<TableUInt16>(table, isa);
}

template <class Array>
Shape4 shape_of(const Array& array) {
  Shape4 shape;
  for (size_t i = 0; i < 4; ++i) {
    shape.size[i] = array.shape(i);
    shape.stride[i] = array.stride(i);
  }
  return shape;
}

std::optional<float> value_outside_format(const Values& x, int exponent_bits, int mantissa_bits,
                                          Isa isa) {
  const nb::gil_scoped_release release;
  return value_outside(FloatFormat(exponent_bits, mantissa_bits), x.data(), shape_of(x), isa);
}

void round_to_format(const nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>& x,
                     const nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>& rounded,
                     int exponent_bits, int mantissa_bits, int threads, Isa isa) {
  const nb::gil_scoped_release release;
  round_values(FloatFormat(exponent_bits, mantissa_bits), x.data(), int64_t(x.shape(0)),
               rounded.data(), threads, isa);
}

void conv2d(const Codes& x, const Codes& w, const Sums& out, const Multiplier& multiplier,
            Pair stride, Pair padding, Pair dilation, int64_t groups, int threads) {
  const Conv2dGeometry geometry{
      shape_of(x), shape_of(w), shape_of(out), stride, padding, dilation, groups};
  multiplier.visit([&](const auto& kind) {
    using Kind = std::decay_t<decltype(kind)>;
    using Code = typename Kind::Code;
    using Sum = typename Kind::Sum;
    if (x.dtype() != nb::dtype<Code>() || w.dtype() != nb::dtype<Code>() ||
        out.dtype() != nb::dtype<Sum>()) {
      throw nb::type_error("the tensors' dtypes are not those of the multiplier");
    }
    const auto* x_codes = static_cast<const Code*>(x.data());
    const auto* w_codes = static_cast<const Code*>(w.data());
    auto* sums = static_cast<Sum*>(out.data());
    const nb::gil_scoped_release release;
    Conv2d<Kind>(kind, geometry).run(x_codes, w_codes, sums, threads);
  });
}

using Floats = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using FloatsOut = nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Flat = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

constexpr int64_t kChunk = 1 << 14;  // elements to a task

// Runs work(first, count) over chunks of `size` elements.
template <class Work>
void in_chunks(int64_t size, int threads, const Work& work) {
  const int64_t chunks = (size + kChunk - 1) / kChunk;
  const int wanted = int(std::min<int64_t>(threads, (chunks + 3) / 4));
  run_tasks(chunks, wanted, [&](const NextTask& next) {
    for (int64_t i; next(i);) work(i * kChunk, std::min(kChunk, size - i * kChunk));
  });
}

// Rows of x, as many as scales, have one each.
template <class Code>
void quantize(const Floats& x, const Floats& scale, bool multiply, float limit, Flat<Code> codes,
              Isa isa, int threads) {
  const int64_t rows = scale.shape(0), row = rows ? x.shape(0) / rows : 0;
  const float *source = x.data(), *scales = scale.data();
  Code* target = codes.data();
  const nb::gil_scoped_release release;
  in_chunks(rows * row, threads, [&](int64_t first, int64_t count) {
    while (count > 0) {
      const int64_t part = std::min(count, row - first % row);
      MBM_HW_CALL(isa, quantize, source + first, part, scales[first / row], multiply, limit,
                  target + first);
      first += part;
      count -= part;
    }
  });
}

// sums is [any][channels][inner].
template <class Sum>
void rescale(Flat<const Sum> sums, int64_t inner, const Floats& scale, const Floats& bias,
             FloatsOut y, Isa isa, int threads) {
  const int64_t channels = scale.shape(0);
  const Sum* source = sums.data();
  const float *scales = scale.data(), *biases = bias.data();
  float* target = y.data();
  const int64_t size = int64_t(sums.shape(0));
  const nb::gil_scoped_release release;
  in_chunks(size, threads, [&](int64_t first, int64_t count) {
    while (count > 0) {
      const int64_t channel = first / inner % channels;
      int64_t part = std::min(count, inner - first % inner);
      if (inner == 1) {
        part = std::min(count, channels - channel);
        MBM_HW_CALL(isa, rescale_each, source + first, part, scales + channel, biases + channel,
                    target + first);
      } else {
        MBM_HW_CALL(isa, rescale, source + first, part, scales[channel], biases[channel],
                    target + first);
      }
      first += part;
      count -= part;
    }
  });
}

}  // namespace

NB_MODULE(_cpu, m) {
  m.doc() = "The CPU kernels of mbm_hw.ops; use them through its operators.";
  nb::set_leak_warnings(false);  // Python keeps multipliers in a cache until it exits
  nb::enum_<Isa>(m, "Isa", "An instruction set that kernels are compiled for.")
      .value("portable", Isa::kPortable)
      .value("avx2", Isa::kAvx2)
      .value("avx512", Isa::kAvx512);
  m.def("choose_isa", &choose_isa, nb::arg("name"));
  m.def("available_isas", &available_isas, "Those that this machine can run, the best one last.");
  nb::class_<Multiplier>(m, "Multiplier").def_prop_ro("name", [](const Multiplier& multiplier) {
    std::string_view name;
    multiplier.visit([&](const auto& kind) { name = std::decay_t<decltype(kind)>::kName; });
    return name;
  });
  m.def("exact_multiplier", &exact_multiplier, nb::arg("width"), nb::arg("signed"),
        nb::arg("isa"));
  m.def("log_multiplier", &log_multiplier, nb::arg("width"), nb::arg("signed"),
        nb::arg("truncation"), nb::arg("corrections"), nb::arg("small_characteristic"),
        nb::arg("isa"));
  m.def("float_exact_multiplier", &float_exact_multiplier, nb::arg("exponent_bits"),
        nb::arg("mantissa_bits"), nb::arg("isa"));
  m.def("float_log_multiplier", &float_log_multiplier, nb::arg("exponent_bits"),
        nb::arg("mantissa_bits"), nb::arg("truncation"), nb::arg("forced"),
        nb::arg("corrections"), nb::arg("isa"));
  m.def("value_outside_format", &value_outside_format, nb::arg("x"), nb::arg("exponent_bits"),
        nb::arg("mantissa_bits"), nb::arg("isa"));
  m.def("round_to_format", &round_to_format, nb::arg("x"), nb::arg("rounded"),
        nb::arg("exponent_bits"), nb::arg("mantissa_bits"), nb::arg("threads"), nb::arg("isa"));
  m.def("table_multiplier", &table_multiplier, nb::arg("table"), nb::arg("width"),
        nb::arg("signed"), nb::arg("isa"), nb::keep_alive<0, 1>());
  m.def("quantize", &quantize<int8_t>, nb::arg("x").noconvert(), nb::arg("scale").noconvert(),
        nb::arg("multiply"), nb::arg("limit"), nb::arg("codes").noconvert(), nb::arg("isa"),
        nb::arg("threads"));
  m.def("quantize", &quantize<int16_t>, nb::arg("x").noconvert(), nb::arg("scale").noconvert(),
        nb::arg("multiply"), nb::arg("limit"), nb::arg("codes").noconvert(), nb::arg("isa"),
        nb::arg("threads"));
  m.def("rescale", &rescale<int32_t>, nb::arg("sums").noconvert(), nb::arg("inner"),
        nb::arg("scale").noconvert(), nb::arg("bias").noconvert(), nb::arg("y").noconvert(),
        nb::arg("isa"), nb::arg("threads"));
  m.def("rescale", &rescale<int64_t>, nb::arg("sums").noconvert(), nb::arg("inner"),
        nb::arg("scale").noconvert(), nb::arg("bias").noconvert(), nb::arg("y").noconvert(),
        nb::arg("isa"), nb::arg("threads"));
  m.def("conv2d", &conv2d, nb::arg("x"), nb::arg("w"), nb::arg("out"), nb::arg("multiplier"),
        nb::arg("stride"), nb::arg("padding"), nb::arg("dilation"), nb::arg("groups"),
        nb::arg("threads"));
}

}  // namespace mbm_hw
