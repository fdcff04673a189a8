// A CUDA driver without a device, for tests of what is asked of it: libcuda.so.1 with the calls that
// loading and launching a kernel take, each of which writes a line to standard output. All others
// fail. PARAMETERS has a letter for each of a kernel's: i, 4 bytes, or l, 8 bytes.
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { kSuccess = 0, kNotSupported = 801, kDriver = 13000 };
static void* const kContext = (void*)0x10;

typedef struct {
  unsigned grid[3], block[3], shared_bytes;
  void *stream, *attributes;
  unsigned attribute_count;
} Launch;

int cuInit(unsigned flags) { return kSuccess; }
int cuDriverGetVersion(int* version) { return *version = kDriver, kSuccess; }
int cuDeviceGetCount(int* count) { return *count = 2, kSuccess; }
int cuDeviceGet(int* device, int index) { return *device = index, kSuccess; }
int cuDeviceGetAttribute(int* value, int attribute, int device) { return *value = 1, kSuccess; }
int cuDevicePrimaryCtxRetain(void** context, int device) { return *context = kContext, kSuccess; }
int cuDevicePrimaryCtxRelease_v2(int device) { return kSuccess; }
int cuCtxSetCurrent(void* context) { printf("current %p\n", context); return kSuccess; }
int cuCtxGetCurrent(void** context) { return *context = kContext, kSuccess; }
int cuCtxGetDevice(int* device) { return *device = 0, kSuccess; }
int cuLibraryUnload(void* library) { puts("unload"); return kSuccess; }

int cuLibraryLoadData(void** library, const void* code, void* a, void* b, unsigned c, void* d,
                      void* e, unsigned f) {
  printf("load %.4s\n", (const char*)code + 1);
  return *library = (void*)0x20, kSuccess;
}
int cuLibraryGetKernel(void** kernel, void* library, const char* name) {
  printf("kernel %s\n", name);
  return *kernel = (void*)0x30, kSuccess;
}
int cuKernelSetAttribute(int attribute, int value, void* kernel, int device) {
  printf("set %d to %d of %p on %d\n", attribute, value, kernel, device);
  return value > 227 << 10 ? 1 : kSuccess;
}
int cuLaunchKernelEx(const Launch* c, void* kernel, void** parameters, void** extra) {
  printf("launch %p grid %u %u %u block %u %u %u shared %u stream %llu:", kernel, c->grid[0],
         c->grid[1], c->grid[2], c->block[0], c->block[1], c->block[2], c->shared_bytes,
         (unsigned long long)c->stream);
  for (const char* type = getenv("PARAMETERS"); *type; ++type, ++parameters) {
    printf(" %lld", *type == 'i' ? (long long)*(int32_t*)*parameters
                                 : (long long)*(int64_t*)*parameters);
  }
  puts("");
  return kSuccess;
}

static int not_supported(void) { return kNotSupported; }

int cuGetProcAddress_v2(const char* name, void** found, int version, uint64_t flags, int* status) {
  char versioned[128];
  void* self = dlopen("libcuda.so.1", RTLD_NOW | RTLD_NOLOAD);
  snprintf(versioned, sizeof versioned, "%s_v2", *name ? name : "cuGetProcAddress");
  if (!(*found = dlsym(self, versioned)) && !(*found = dlsym(self, name))) {
    *found = (void*)not_supported;
  }
  if (status) *status = 0;
  return kSuccess;
}
