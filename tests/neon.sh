#!/usr/bin/env bash
# Compiles the kernels for aarch64 with a cross compiler and compares the NEON ones with the portable
# ones under qemu. Usage: tests/neon.sh
set -euo pipefail
cd "$(dirname "$0")/.."
compiler=aarch64-linux-gnu-g++
for tool in $compiler qemu-aarch64; do
  command -v $tool > /dev/null || {
    echo "error: $tool is missing (Debian: apt install g++-aarch64-linux-gnu qemu-user)"
    exit 2
  }
done
sources=mbm_hw/ops/cpu
build=build/neon
mkdir -p $build
flags=(-std=c++20 -O2 -Wall -Wextra -Werror -ffp-contract=off -DMBM_HW_NEON -I$sources)
common=(exact_kernel float_format_kernel float_kernel log_kernel scaling_kernel table_kernel transpose_kernel)
for isa in portable neon; do
  for kernel in "${common[@]}"; do
    echo "-DMBM_HW_ISA=$isa -c $sources/kernels/$kernel.cpp -o $build/${isa}-$kernel.o"
  done
done > $build/commands
for kernel in neon_pattern_kernel neon_table_kernel; do
  echo "-DMBM_HW_ISA=neon -c $sources/kernels/$kernel.cpp -o $build/$kernel.o"
done >> $build/commands
for source in band float_format float_multiplier geometry isa neon_multiplier parallel \
  table_multiplier; do
  echo "-c $sources/$source.cpp -o $build/$source.o"
done >> $build/commands
xargs -P 2 -L 1 $compiler "${flags[@]}" < $build/commands
$compiler "${flags[@]}" -static tests/neon_check.cpp $build/*.o -o $build/check
qemu-aarch64 $build/check
