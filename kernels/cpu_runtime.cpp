// What a CPU library has besides the kernels: the digest of the sources it was built from, and the thread count.
#ifdef _OPENMP
#include <omp.h>
#endif

extern "C" {
__attribute__((visibility("default"))) const char* stmgpu_digest() { return STM_DIGEST; }

__attribute__((visibility("default"))) void stmgpu_set_threads(int threads) {
#ifdef _OPENMP
    omp_set_num_threads(threads);
#else
    (void)threads;
#endif
}
}
