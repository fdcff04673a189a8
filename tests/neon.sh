#!/usr/bin/env bash
# Compiles the kernels for aarch64 with a cross compiler and compares the NEON ones with the portable
# ones under qemu. Usage: tests/neon.sh PYTHON. Root gets the tools installed where they are missing.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1
compiler=aarch64-linux-gnu-g++
packages=(g++-aarch64-linux-gnu qemu-user)
are_missing() { ! command -v $compiler > /dev/null || ! command -v qemu-aarch64 > /dev/null; }
if are_missing && [[ $EUID == 0 ]] && command -v apt-get > /dev/null; then
  "$python" -c 'import sys; from mbm_hw.system import debian; debian.install(sys.argv[1:])' "${packages[@]}"
fi
if are_missing; then
  echo "error: $compiler or qemu-aarch64 is missing (Debian: apt install ${packages[*]})" >&2
  exit 2
fi
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
