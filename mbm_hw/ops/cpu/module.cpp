// The Python module mbm_hw.ops._cpu. Its callers have checked dtypes, the codes' range, and that
// tensors lie inside their memory; shapes are checked here again.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string_view.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <tuple>
#include <type_traits>

#include "conv2d.h"
#include "float_format.h"
#include "isa.h"
#include "multipliers.h"
#include "scaling.h"

namespace nb = nanobind;

namespace mbm_hw {
namespace {

using Codes = nb::ndarray<nb::ro, nb::ndim<4>, nb::device::cpu>;
using Sums = nb::ndarray<nb::ndim<4>, nb::device::cpu>;
using Values = nb::ndarray<const float, nb::ndim<4>, nb::device::cpu>;
using ValuesOut = nb::ndarray<float, nb::ndim<4>, nb::device::cpu>;
using Table = nb::ndarray<const int32_t, nb::ndim<2>, nb::device::cpu>;
using Pair = std::array<int64_t, 2>;

Multiplier* table_multiplier_of(const Table& array, int width, bool is_signed, Isa isa) {
  if (width < 4 || width > 12 || array.shape(0) != size_t(1) << width ||
      array.shape(1) != array.shape(0)) {
    throw std::invalid_argument("a table must be [2**width, 2**width], width 4 to 12");
  }
  return table_multiplier({array.data(), array.stride(0), array.stride(1), width}, is_signed, isa);
}

Multiplier* float_table_multiplier_of(int exponent_bits, int mantissa_bits, const Table& array,
                                      Isa isa) {
  if (mantissa_bits < 1 || mantissa_bits > 8 || array.shape(0) != size_t(1) << mantissa_bits ||
      array.shape(1) != array.shape(0)) {
    throw std::invalid_argument("a mantissa table must be [2**bits, 2**bits], bits 1 to 8");
  }
  std::vector<int32_t> table;
  for (size_t i = 0; i < array.shape(0); ++i) {
    for (size_t j = 0; j < array.shape(1); ++j) table.push_back(array(i, j));
  }
  return float_table_multiplier(exponent_bits, mantissa_bits, std::move(table), isa);
}

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

// The stride of a dimension of one element may be any number. It is only ever multiplied by 0, but
// the product of strides must not overflow.
template <class Array>
Shape4 shape_of(const Array& array) {
  require(array.data() != nullptr, "a tensor has no memory");
  Shape4 shape;
  for (size_t i = 0; i < 4; ++i) {
    shape.size[i] = array.shape(i);
    const int64_t stride = array.stride(i);
    shape.stride[i] = shape.size[i] > 1 ? stride : std::min(stride, kMostStep);
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
  require(x.shape(0) == rounded.shape(0), "as many values are rounded as there are");
  const nb::gil_scoped_release release;
  round_values(FloatFormat(exponent_bits, mantissa_bits), x.data(), int64_t(x.shape(0)),
               rounded.data(), threads, isa);
}

using Floats = nb::ndarray<const float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using FloatsOut = nb::ndarray<float, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
template <class T>
using Flat = nb::ndarray<T, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Layer = std::tuple<Pair, Pair, Pair, int64_t>;  // stride, padding, dilation, groups

template <class X, class Out>
Conv2dGeometry geometry_of(const X& x, const X& w, const Out& out, const Layer& layer) {
  const auto& [stride, padding, dilation, groups] = layer;
  const Conv2dGeometry geometry{shape_of(x), shape_of(w), shape_of(out), stride,
                                padding,     dilation,    groups};
  check(geometry);
  return geometry;
}

// What a layer has one of for each output, or not at all.
const float* for_each_output(const std::optional<Floats>& values, const Conv2dGeometry& geometry) {
  require(!values || int64_t(values->shape(0)) == geometry.w.size[0],
          "there is one scale and one bias for each output");
  return values ? values->data() : nullptr;
}

void conv2d(const Codes& x, const Codes& w, const Sums& out, const Multiplier& multiplier,
            const Layer& layer, Isa isa, int threads) {
  const Conv2dGeometry geometry = geometry_of(x, w, out, layer);
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
    const auto run = [&](const auto& result) {
      Conv2d(kind, GivenCodes<Code>(isa), result, geometry, false)
          .run(x_codes, w_codes, nullptr, sums, threads);
    };
    if constexpr (std::is_same_v<Sum, float>) {
      run(FloatSums{isa});
    } else {
      run(PlainSums());
    }
  });
}

// Runs the convolution of values with weights that adjoin; see Conv2d for `swapped`.
template <class Kind, class Source, class Result>
void run_layer(const Kind& kind, const Source& source, const Result& result,
               const Conv2dGeometry& geometry, const float* x, const float* w, const float* bias,
               float* y, bool swapped, int threads) {
  const nb::gil_scoped_release release;
  if (swapped) std::swap(x, w);
  Conv2d<Kind, Source, Result>(kind, source, result,
                               swapped ? with_sides_swapped(geometry) : geometry, swapped)
      .run(x, w, bias, y, threads);
}

// Returns whether a value was NaN, whose code is 0.
bool quantized_conv2d(const Values& x, const Values& w, const std::optional<Floats>& bias,
                      float x_scale, const std::optional<Floats>& w_scale,
                      std::optional<float> factor, float limit, const ValuesOut& y,
                      const Multiplier& multiplier, const Layer& layer, bool swapped, Isa isa,
                      int threads) {
  const Conv2dGeometry geometry = geometry_of(x, w, y, layer);
  require(!swapped || can_swap_sides(geometry), "sides change only for one pixel and one group");
  const Quantization how{x_scale, for_each_output(w_scale, geometry), factor.has_value(),
                         factor.value_or(1), limit};
  std::atomic<bool> met_nan{false};
  multiplier.visit([&](const auto& kind) {
    using Code = typename std::decay_t<decltype(kind)>::Code;
    if constexpr (std::is_same_v<Code, int8_t> || std::is_same_v<Code, int16_t>) {
      QuantizedValues<Code> source(how, isa, met_nan);
      AlignedArray<Code> codes;
      const int64_t size = dense_size(geometry.x);
      if (!swapped && size && meets_values_again(geometry, threads)) {
        const nb::gil_scoped_release release;
        codes = AlignedArray<Code>(size);
        met_nan = quantize_rows(x.data(), size, factor ? &*factor : &x_scale, 1,
                                factor.has_value(), limit, codes.data(), isa, threads);
        source.take_image(x.data(), codes.data());
      }
      run_layer(kind, source, Rescaled{isa}, geometry, x.data(), w.data(),
                for_each_output(bias, geometry), y.data(), swapped, threads);
    } else {
      throw nb::type_error("values are quantised for multipliers of signed integers");
    }
  });
  return met_nan;
}

void rounded_conv2d(const Values& x, const Values& w, const std::optional<Floats>& bias,
                    int exponent_bits, int mantissa_bits, const ValuesOut& y,
                    const Multiplier& multiplier, const Layer& layer, bool swapped, Isa isa,
                    int threads) {
  const Conv2dGeometry geometry = geometry_of(x, w, y, layer);
  require(!swapped || can_swap_sides(geometry), "sides change only for one pixel and one group");
  const RoundedValues source(FloatFormat(exponent_bits, mantissa_bits), isa);
  multiplier.visit([&](const auto& kind) {
    if constexpr (std::is_same_v<typename std::decay_t<decltype(kind)>::Code, float>) {
      run_layer(kind, source, FloatSums{isa}, geometry, x.data(), w.data(),
                for_each_output(bias, geometry), y.data(), swapped, threads);
    } else {
      throw nb::type_error("values are rounded for multipliers of floats");
    }
  });
}

template <class Code>
void quantize(const Floats& x, const Floats& scale, bool multiply, float limit,
              const Flat<Code>& codes, Isa isa, int threads) {
  const size_t rows = scale.shape(0);
  require(x.shape(0) == codes.shape(0) && rows > 0 && x.shape(0) % rows == 0,
          "there is a code for each value, and a scale for each row");
  const nb::gil_scoped_release release;
  quantize_rows(x.data(), int64_t(x.shape(0)), scale.data(), int64_t(rows), multiply, limit,
                codes.data(), isa, threads);
}

template <class Sum>
void rescale(const Flat<const Sum>& sums, int64_t inner, const Floats& scale, const Floats& bias,
             const FloatsOut& y, Isa isa, int threads) {
  require(inner > 0 && scale.shape(0) > 0 && bias.shape(0) == scale.shape(0) &&
              y.shape(0) == sums.shape(0) && sums.shape(0) % (inner * scale.shape(0)) == 0,
          "there is an output for each sum, and a scale and a bias for each channel");
  const nb::gil_scoped_release release;
  rescale_sums(sums.data(), int64_t(sums.shape(0)), inner, scale.data(), bias.data(),
               int64_t(scale.shape(0)), y.data(), isa, threads);
}

}  // namespace

NB_MODULE(_cpu, m) {
  m.doc() = "The CPU kernels of mbm_hw.ops; use them through its operators.";
  nb::set_leak_warnings(false);  // Python keeps multipliers in a cache until it exits
  nb::enum_<Isa>(m, "Isa", "An instruction set that kernels are compiled for.")
      .value("portable", Isa::kPortable)
      .value("avx2", Isa::kAvx2)
      .value("avx512", Isa::kAvx512)
      .value("neon", Isa::kNeon);
  m.def("choose_isa", &choose_isa, nb::arg("name"));
  m.def("time_products", &Stopwatch::restart, nb::arg("runs"));
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
        nb::arg("corrections"), nb::arg("offset"), nb::arg("isa"));
  m.def("float_table_multiplier", &float_table_multiplier_of, nb::arg("exponent_bits"),
        nb::arg("mantissa_bits"), nb::arg("table"), nb::arg("isa"));
  m.def("value_outside_format", &value_outside_format, nb::arg("x"), nb::arg("exponent_bits"),
        nb::arg("mantissa_bits"), nb::arg("isa"));
  m.def("round_to_format", &round_to_format, nb::arg("x"), nb::arg("rounded"),
        nb::arg("exponent_bits"), nb::arg("mantissa_bits"), nb::arg("threads"), nb::arg("isa"));
  m.def("table_multiplier", &table_multiplier_of, nb::arg("table"), nb::arg("width"),
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
        nb::arg("layer"), nb::arg("isa"), nb::arg("threads"));
  m.def("quantized_conv2d", &quantized_conv2d, nb::arg("x"), nb::arg("w"), nb::arg("bias").none(),
        nb::arg("x_scale"), nb::arg("w_scale").none(), nb::arg("factor").none(), nb::arg("limit"),
        nb::arg("y"), nb::arg("multiplier"), nb::arg("layer"), nb::arg("swapped"), nb::arg("isa"),
        nb::arg("threads"));
  m.def("rounded_conv2d", &rounded_conv2d, nb::arg("x"), nb::arg("w"), nb::arg("bias").none(),
        nb::arg("exponent_bits"), nb::arg("mantissa_bits"), nb::arg("y"), nb::arg("multiplier"),
        nb::arg("layer"), nb::arg("swapped"), nb::arg("isa"), nb::arg("threads"));
}

}  // namespace mbm_hw
