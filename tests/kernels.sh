#!/usr/bin/env bash
# Builds the kernels in another way, in build/WAY, and runs their tests on that build. WAY:
#   sanitize  with the address and undefined-behaviour sanitizers; random calls too, fuzz_kernels.py
#   emulate   with those for AVX-512 written out in AVX2, so that any AVX2 machine tests them
# Usage: tests/kernels.sh WAY PYTHON (one whose environment has the package's build requirements)
set -euo pipefail
cd "$(dirname "$0")/.."
way=$1
python=$(realpath -s "$2")
elsewhere=$(tests/build_folder.sh)
build=${elsewhere:-build}/$way
packages() { "$1" -c 'import sysconfig; print(sysconfig.get_path("purelib"))'; }
site=$(packages "$python")
builder=$python
if [[ $elsewhere ]]; then  # what builds must be elsewhere too
  trap 'rm -rf "$elsewhere"' EXIT
  "$python" -m venv "$elsewhere/venv"
  builder=$elsewhere/venv/bin/python
fi
install=("$builder" -m pip install --quiet --disable-pip-version-check cmake ninja nanobind==3.1.0)
chosen=
preload=
case $way in
  sanitize)
    options=(-DMBM_HW_SANITIZE=ON)
    preload="$(g++ -print-file-name=libasan.so) $(g++ -print-file-name=libubsan.so)"
    ;;
  emulate)
    if [[ $(uname -m) != x86_64 ]]; then
      echo "tests/kernels.sh: there are no AVX-512 kernels on $(uname -m)"
      exit
    fi
    grep -qw avx2 /proc/cpuinfo || { echo "tests/kernels.sh: emulate needs AVX2" >&2; exit 2; }
    install+=(simde-py==0.8.2.post1)
    options=(-DMBM_HW_EMULATE_AVX512="$(packages "$builder")/simde_py/simde")
    chosen="not portable and not avx2 and (avx512 or reference or products or in_order or kind)"
    ;;
  *)
    echo "tests/kernels.sh: the way is sanitize or emulate, not $way" >&2
    exit 2
    ;;
esac
flock "$(dirname "$builder")" "${install[@]}"  # the other way may be on it too
PATH=$(dirname "$builder"):$PATH  # of ninja
"$builder" -m cmake -S mbm_hw/ops/cpu -B "$build" -G Ninja "${options[@]}" -DPython_EXECUTABLE="$builder" \
  -Dnanobind_DIR="$("$builder" -m nanobind --cmake_dir)" > /dev/null
MAKEFLAGS= "$builder" -m ninja -C "$build" > /dev/null  # not a job of make's

# The package as it is, with this build of the kernels: -S leaves out the editable install's hook.
rm -rf "$build/package"
mkdir "$build/package"
cp -r mbm_hw sim tests pyproject.toml "$build/package"
cp "$build"/_cpu*.so "$build/package/mbm_hw/ops"
cd "$build/package"
export ASAN_OPTIONS=detect_leaks=0  # Python's own
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
run() { LD_PRELOAD="$preload" PYTHONPATH="$PWD:$site${PYTHONPATH:+:$PYTHONPATH}" "$python" -S "$@"; }
run -m pytest -q -p no:cacheprovider -k "$chosen" \
  tests/test_ops.py tests/test_float_ops.py tests/test_layer_ops.py
if [[ $way == sanitize ]]; then
  run tests/fuzz_kernels.py --count "${FUZZ_COUNT:-3000}" --seed "${FUZZ_SEED:-0}"
fi
