#!/usr/bin/env bash
# Builds the kernels with sanitizers in build/sanitize and runs the operators' tests on them.
# Usage: tests/sanitize.sh PYTHON (one whose environment has the package's build requirements)
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(realpath -s "$1")
build=build/sanitize
"$python" -m pip install --quiet --disable-pip-version-check cmake ninja nanobind==3.1.0
PATH=$(dirname "$python"):$PATH
cmake -S mbm_hw/ops/cpu -B $build -G Ninja -DMBM_HW_SANITIZE=ON -DPython_EXECUTABLE="$python" \
  -Dnanobind_DIR="$("$python" -m nanobind --cmake_dir)" > /dev/null
ninja -C $build > /dev/null

# The package as it is, with this build of the kernels: -S leaves out the editable install's hook.
site=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
rm -rf $build/package
mkdir $build/package
cp -r mbm_hw tests pyproject.toml $build/package
cp $build/_cpu*.so $build/package/mbm_hw/ops
cd $build/package
export ASAN_OPTIONS=detect_leaks=0  # Python's own
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
LD_PRELOAD="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so)" \
  PYTHONPATH="$PWD:$site${PYTHONPATH:+:$PYTHONPATH}" "$python" -S -m pytest -q \
  -p no:cacheprovider tests/test_ops.py tests/test_float_ops.py tests/test_layer_ops.py
