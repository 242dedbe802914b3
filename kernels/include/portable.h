// portable.h: the only file in which CUDA and C++ differ.
//
// One lane is one object, one object-step or one pair. Under CUDA a lane is a thread and `real` is a double.
// On a CPU a lane is an element of a SIMD register and `real` is a GCC/Clang vector of STM_LANES doubles, so the same
// straight-line arithmetic, written once, fills both. Only operators, sel() and the helpers below may touch lanes;
// every lane is computed independently of its neighbours, so results do not depend on the width.
//
// Reproducibility: no fused multiply-add (-ffp-contract=off, -fmad=false), no libm, no fast-math. IEEE +,-,*,/ and
// sqrt are correctly rounded everywhere, so the same source gives the same bytes on every target.
//
// STM_SCALAR builds the CPU library with STM_LANES == 1, the form that the GPU runs; tests compare both forms.
#pragma once

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)
#define STM_CUDA 1
#define STM_SCALAR 1
#endif

typedef long long i64;
typedef int i32;
typedef signed char i8;

#define STM_RESTRICT __restrict__

#ifdef STM_CUDA
#define STM_KERNEL extern "C" __global__ void
#define STM_FN static __device__ __forceinline__
// before a loop: NVRTC does not copy its body, which for newer GPUs it does a hundred times over
#define STM_ROLLED _Pragma("unroll 1")
#define STM_THREAD ((i64)blockIdx.x * blockDim.x + threadIdx.x)
#define STM_THREADS ((i64)gridDim.x * blockDim.x)
// for every i in [0, n), `step` at a time
#define STM_PARALLEL(i, n, step) for (i64 i = STM_THREAD * (step); i < (n); i += STM_THREADS * (step))
// for every (row, col); on a CPU one thread owns a whole row and walks its columns in order
#define STM_ROWS(row, rows, col, cols, step)                                                       \
    for (i64 stm_q = STM_THREAD, stm_c = ((cols) + (step)-1) / (step); stm_q < (rows)*stm_c;   \
         stm_q += STM_THREADS)                                                                 \
        for (i64 row = stm_q / stm_c, col = (stm_q % stm_c) * (step), stm_1 = 1; stm_1; stm_1 = 0)
// add to a counter that belongs to one row; returns the value before
STM_FN i32 claim(i32* counter, i32 amount) { return atomicAdd(counter, amount); }
// replace the value at a place that belongs to one row; returns the value before
STM_FN i32 exchange(i32* place, i32 value) { return atomicExch(place, value); }
// add to a sum that all threads share; whole numbers, so the order does not matter
STM_FN void add_shared(i64* sum, i64 amount) { atomicAdd((unsigned long long*)sum, (unsigned long long)amount); }
#else
#include <cstring>
#include <cmath>
#if defined(__x86_64__)
#include <immintrin.h>
#endif
#define STM_KERNEL extern "C" __attribute__((visibility("default"))) void
#define STM_FN static inline __attribute__((always_inline))
#define STM_ROLLED _Pragma("GCC unroll 1")
#ifdef _OPENMP
#define STM_OMP _Pragma("omp parallel for schedule(dynamic, 1)")
#define STM_OMP_RANGE _Pragma("omp parallel for schedule(static)")
#else
#define STM_OMP
#define STM_OMP_RANGE
#endif
#define STM_PARALLEL(i, n, step) STM_OMP_RANGE for (i64 i = 0; i < (n); i += (step))
#define STM_ROWS(row, rows, col, cols, step) \
    STM_OMP for (i64 row = 0; row < (rows); ++row) for (i64 col = 0; col < (cols); col += (step))
STM_FN i32 claim(i32* counter, i32 amount) { i32 old = *counter; *counter = old + amount; return old; }
STM_FN i32 exchange(i32* place, i32 value) { i32 old = *place; *place = value; return old; }
STM_FN void add_shared(i64* sum, i64 amount) { __atomic_fetch_add(sum, amount, __ATOMIC_RELAXED); }
#endif

#ifdef STM_SCALAR
// ---------------------------------------------------------------- one lane: CUDA threads and the scalar CPU build
#define STM_LANES 1
#define STM_FLOAT_LANES 1
typedef double real;
typedef i64 ints;
typedef unsigned long long words;
typedef bool mask;
typedef float realf;
typedef bool maskf;

STM_FN real splat(double x) { return x; }
STM_FN realf splatf(float x) { return x; }
STM_FN real sel(mask m, real a, real b) { return m ? a : b; }
STM_FN ints seli(mask m, ints a, ints b) { return m ? a : b; }
STM_FN maskf lessf(realf a, realf b) { return a < b; }
STM_FN maskf at_mostf(realf a, realf b) { return a <= b; }
STM_FN realf self(maskf m, realf a, realf b) { return m ? a : b; }
STM_FN mask both(mask a, mask b) { return a && b; }
STM_FN mask either(mask a, mask b) { return a || b; }
STM_FN mask negate(mask a) { return !a; }
STM_FN bool any(mask m) { return m; }
STM_FN unsigned lane_bits(maskf m) { return m ? 1u : 0u; }       // bit k set where lane k is
STM_FN real load(const double* p) { return *p; }
STM_FN void store(double* p, real v) { *p = v; }
STM_FN realf loadf(const float* p) { return *p; }
STM_FN real gather(const double* p, i64 at) { return p[at]; }
STM_FN void scatter(double* p, i64 at, real v, mask m) { if (m) p[at] = v; }
STM_FN void add_i64(i64* p, ints at, ints v, mask m) { if (m) add_shared(p + at, v); }
STM_FN ints splat_i64(i64 x) { return x; }
STM_FN words to_words(ints x) { return (words)x; }
STM_FN ints from_words(words x) { return (ints)x; }
STM_FN ints load_i64(const i64* p) { return *p; }
STM_FN ints load_i32(const i32* p) { return *p; }
STM_FN ints gather_i64(const i64* p, ints at) { return p[at]; }
STM_FN void store_i64(i64* p, ints v) { *p = v; }
STM_FN void store_i32(i32* p, ints v) { *p = (i32)v; }
STM_FN void store_i8(i8* p, ints v) { *p = (i8)v; }
STM_FN real load_i8(const i8* p) { return (double)*p; }
STM_FN void store_narrow(float* p, real v) { *p = (float)v; }
STM_FN ints to_ints(real v) { return (i64)v; }                    // v integral, |v| < 2^51
STM_FN real to_reals(ints v) { return (double)v; }                // to the nearest
STM_FN ints lane_ids() { return 0; }                          // 0, 1, ... STM_LANES - 1
#ifdef STM_CUDA
STM_FN real root(real v) { return sqrt(v); }
STM_FN realf rootf(realf v) { return sqrtf(v); }
STM_FN ints bits(real v) { return __double_as_longlong(v); }
STM_FN real from_bits(ints v) { return __longlong_as_double(v); }
STM_FN int lowest_bit(unsigned b) { return __ffs((int)b) - 1; }
#else
STM_FN real root(real v) { return __builtin_sqrt(v); }
STM_FN realf rootf(realf v) { return __builtin_sqrtf(v); }
STM_FN ints bits(real v) { ints b; memcpy(&b, &v, 8); return b; }
STM_FN real from_bits(ints b) { real v; memcpy(&v, &b, 8); return v; }
STM_FN int lowest_bit(unsigned b) { return __builtin_ctz(b); }
#endif

#else
// ---------------------------------------------------------------- many lanes: SIMD registers through vector types
#if defined(__AVX512F__)
#define STM_BYTES 64
#elif defined(__AVX__)
#define STM_BYTES 32
#else
#define STM_BYTES 16
#endif
#define STM_LANES (STM_BYTES / 8)
#define STM_FLOAT_LANES (STM_BYTES / 4)
typedef double real __attribute__((vector_size(STM_BYTES)));
typedef i64 ints __attribute__((vector_size(STM_BYTES)));
typedef unsigned long long words __attribute__((vector_size(STM_BYTES)));
typedef decltype((real){} < (real){}) mask;    // the compiler's own type for a comparison's result
typedef float realf __attribute__((vector_size(STM_BYTES)));
#if defined(__AVX512F__)
typedef __mmask16 maskf;                        // float32 masks stay in mask registers: the pair test lives on them
STM_FN maskf lessf(realf a, realf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LT_OQ); }
STM_FN maskf at_mostf(realf a, realf b) { return _mm512_cmp_ps_mask((__m512)a, (__m512)b, _CMP_LE_OQ); }
STM_FN realf self(maskf m, realf a, realf b) { return (realf)_mm512_mask_blend_ps(m, (__m512)b, (__m512)a); }
#else
typedef i32 maskf __attribute__((vector_size(STM_BYTES)));
STM_FN maskf lessf(realf a, realf b) { return a < b; }
STM_FN maskf at_mostf(realf a, realf b) { return a <= b; }
STM_FN realf self(maskf m, realf a, realf b) { return m ? a : b; }
#endif

STM_FN real splat(double x) { return x - (real){}; }
STM_FN realf splatf(float x) { return x - (realf){}; }
STM_FN real sel(mask m, real a, real b) { return m ? a : b; }
STM_FN real sel(mask m, real a, double b) { return m ? a : splat(b); }
STM_FN real sel(mask m, double a, real b) { return m ? splat(a) : b; }
STM_FN real sel(mask m, double a, double b) { return m ? splat(a) : splat(b); }
STM_FN ints seli(mask m, ints a, ints b) { return m ? a : b; }
STM_FN mask both(mask a, mask b) { return a & b; }
STM_FN maskf both(maskf a, maskf b) { return a & b; }
STM_FN mask either(mask a, mask b) { return a | b; }
STM_FN mask negate(mask a) { return ~a; }
STM_FN real load(const double* p) { real v; memcpy(&v, p, sizeof v); return v; }
STM_FN void store(double* p, real v) { memcpy(p, &v, sizeof v); }
STM_FN realf loadf(const float* p) { realf v; memcpy(&v, p, sizeof v); return v; }
STM_FN real gather(const double* p, i64 at) { return load(p + at); }
STM_FN real gather(const double* p, ints at) { real v; for (int k = 0; k < STM_LANES; ++k) v[k] = p[at[k]]; return v; }
STM_FN void scatter(double* p, ints at, real v, mask m) {
    for (int k = 0; k < STM_LANES; ++k) if (m[k]) p[at[k]] = v[k];
}
STM_FN void add_i64(i64* p, ints at, ints v, mask m) {
    for (int k = 0; k < STM_LANES; ++k) if (m[k]) add_shared(p + at[k], v[k]);
}
STM_FN ints splat_i64(i64 x) { return x - (ints){}; }
STM_FN words to_words(ints x) { return (words)x; }
STM_FN ints from_words(words x) { return (ints)x; }
STM_FN ints load_i64(const i64* p) { ints v; memcpy(&v, p, sizeof v); return v; }
STM_FN ints gather_i64(const i64* p, ints at) { ints v; for (int k = 0; k < STM_LANES; ++k) v[k] = p[at[k]]; return v; }
STM_FN void store_i64(i64* p, ints v) { memcpy(p, &v, sizeof v); }
typedef i32 half_ints __attribute__((vector_size(STM_BYTES / 2)));
STM_FN ints load_i32(const i32* p) { half_ints h; memcpy(&h, p, sizeof h); return __builtin_convertvector(h, ints); }
STM_FN void store_i32(i32* p, ints v) { half_ints h = __builtin_convertvector(v, half_ints); memcpy(p, &h, sizeof h); }
typedef i8 bytes __attribute__((vector_size(STM_LANES)));
STM_FN void store_i8(i8* p, ints v) { bytes b = __builtin_convertvector(v, bytes); memcpy(p, &b, STM_LANES); }
STM_FN real load_i8(const i8* p) { real v; for (int k = 0; k < STM_LANES; ++k) v[k] = (double)p[k]; return v; }
typedef float narrow __attribute__((vector_size(STM_BYTES / 2)));
STM_FN void store_narrow(float* p, real v) { narrow f = __builtin_convertvector(v, narrow); memcpy(p, &f, sizeof f); }
// v integral, |v| < 2^51: the low bits of v + 1.5 * 2^52, since only AVX-512 converts to 64-bit integers
STM_FN ints to_ints(real v) { return (ints)(v + 6755399441055744.0) - 0x4338000000000000LL; }
STM_FN real to_reals(ints v) { return __builtin_convertvector(v, real); }
STM_FN ints lane_ids() { ints r; for (int k = 0; k < STM_LANES; ++k) r[k] = k; return r; }
STM_FN ints bits(real v) { return (ints)v; }
STM_FN real from_bits(ints v) { return (real)v; }
STM_FN int lowest_bit(unsigned b) { return __builtin_ctz(b); }

#if defined(__AVX512F__)
STM_FN real root(real v) { return (real)_mm512_sqrt_pd((__m512d)v); }
STM_FN realf rootf(realf v) { return (realf)_mm512_sqrt_ps((__m512)v); }
STM_FN bool any(mask m) { return _mm512_movepi64_mask((__m512i)m) != 0; }
STM_FN unsigned lane_bits(maskf m) { return m; }
#elif defined(__AVX__)
STM_FN real root(real v) { return (real)_mm256_sqrt_pd((__m256d)v); }
STM_FN realf rootf(realf v) { return (realf)_mm256_sqrt_ps((__m256)v); }
STM_FN bool any(mask m) { return _mm256_movemask_pd((__m256d)m) != 0; }
STM_FN unsigned lane_bits(maskf m) { return (unsigned)_mm256_movemask_ps((__m256)m); }
#elif defined(__SSE2__)
STM_FN real root(real v) { return (real)_mm_sqrt_pd((__m128d)v); }
STM_FN realf rootf(realf v) { return (realf)_mm_sqrt_ps((__m128)v); }
STM_FN bool any(mask m) { return _mm_movemask_pd((__m128d)m) != 0; }
STM_FN unsigned lane_bits(maskf m) { return (unsigned)_mm_movemask_ps((__m128)m); }
#else
STM_FN real root(real v) { for (int k = 0; k < STM_LANES; ++k) v[k] = __builtin_sqrt(v[k]); return v; }
STM_FN realf rootf(realf v) { for (int k = 0; k < STM_FLOAT_LANES; ++k) v[k] = __builtin_sqrtf(v[k]); return v; }
STM_FN bool any(mask m) { i64 r = 0; for (int k = 0; k < STM_LANES; ++k) r |= m[k]; return r != 0; }
STM_FN unsigned lane_bits(maskf m) {
    unsigned r = 0;
    for (int k = 0; k < STM_FLOAT_LANES; ++k) r |= (m[k] ? 1u : 0u) << k;
    return r;
}
#endif
#endif

STM_FN real absolute(real v) { return from_bits(bits(v) & 0x7fffffffffffffffLL); }
STM_FN real smaller(real a, real b) { return sel(a < b, a, b); }
STM_FN real larger(real a, real b) { return sel(a > b, a, b); }
STM_FN realf smallerf(realf a, realf b) { return self(lessf(a, b), a, b); }
STM_FN realf largerf(realf a, realf b) { return self(lessf(b, a), a, b); }
