"""CUDA kernels of the operators: `operators` registers them, and compiles nothing.

The sources in `kernels/` are compiled at the first call that needs them, by NVRTC through NVIDIA's
cuda-core (`pip install 'mbm-hw[cuda]'`), for the device's architecture and for one spec and tile,
and kept on disk. They run on torch's current stream. A call captured in a CUDA graph must have run
once before: compiling and loading cannot be captured.
"""
