// wide.h: two registers a lane value, so that a long chain of dependent operations keeps the processor busy.
//
// SGP4 is one chain of some 600 cycles of latency with room for 250 cycles of arithmetic beside it, and a processor's
// window of a few hundred instructions is too short to overlap two turns of the loop. Here every operation is written
// for two neighbouring vectors at once; the compiler sees two independent chains and the hardware runs both.
// A kernel file that includes this header before any other works on 2 * STM_LANES objects at a time. Nothing else changes:
// every lane sees the same operations, so the bytes stay the same. Under CUDA and in the scalar build it does nothing.
#pragma once
#include "portable.h"

#ifndef STM_SCALAR
struct wide_mask { mask a, b; };
struct wide_ints { ints a, b; };
struct wide_words { words a, b; };
struct wide_real { real a, b; };

#define STM_ARITHMETIC(op)                                                                                   \
    STM_FN wide_real operator op(wide_real x, wide_real y) { return {x.a op y.a, x.b op y.b}; }                  \
    STM_FN wide_real operator op(wide_real x, double y) { return {x.a op y, x.b op y}; }                         \
    STM_FN wide_real operator op(double x, wide_real y) { return {x op y.a, x op y.b}; }
#define STM_COMPARE(op)                                                                                      \
    STM_FN wide_mask operator op(wide_real x, wide_real y) { return {x.a op y.a, x.b op y.b}; }                  \
    STM_FN wide_mask operator op(wide_real x, double y) { return {x.a op y, x.b op y}; }                         \
    STM_FN wide_mask operator op(wide_ints x, i64 y) { return {x.a op y, x.b op y}; }
#define STM_INTEGER(op)                                                                                      \
    STM_FN wide_ints operator op(wide_ints x, wide_ints y) { return {x.a op y.a, x.b op y.b}; }                  \
    STM_FN wide_ints operator op(wide_ints x, i64 y) { return {x.a op y, x.b op y}; }                            \
    STM_FN wide_ints operator op(i64 x, wide_ints y) { return {x op y.a, x op y.b}; }
STM_ARITHMETIC(+) STM_ARITHMETIC(-) STM_ARITHMETIC(*) STM_ARITHMETIC(/)
STM_COMPARE(<) STM_COMPARE(>) STM_COMPARE(<=) STM_COMPARE(>=) STM_COMPARE(==) STM_COMPARE(!=)
STM_INTEGER(+) STM_INTEGER(-) STM_INTEGER(*) STM_INTEGER(&) STM_INTEGER(|) STM_INTEGER(^)
#define STM_WORD(op)                                                                                         \
    STM_FN wide_words operator op(wide_words x, wide_words y) { return {x.a op y.a, x.b op y.b}; }               \
    STM_FN wide_words operator op(wide_words x, unsigned long long y) { return {x.a op y, x.b op y}; }
STM_WORD(+) STM_WORD(*) STM_WORD(^) STM_WORD(|)
#undef STM_ARITHMETIC
#undef STM_COMPARE
#undef STM_INTEGER
#undef STM_WORD
STM_FN wide_words operator<<(wide_words x, int n) { return {x.a << n, x.b << n}; }
STM_FN wide_words operator>>(wide_words x, int n) { return {x.a >> n, x.b >> n}; }
STM_FN wide_words to_words(wide_ints x) { return {to_words(x.a), to_words(x.b)}; }
STM_FN wide_ints from_words(wide_words x) { return {from_words(x.a), from_words(x.b)}; }
STM_FN wide_real operator-(wide_real x) { return {-x.a, -x.b}; }
STM_FN wide_ints operator<<(wide_ints x, int n) { return {x.a << n, x.b << n}; }
STM_FN wide_ints operator>>(wide_ints x, int n) { return {x.a >> n, x.b >> n}; }

STM_FN wide_real wide_splat(double x) { return {splat(x), splat(x)}; }
STM_FN wide_real sel(wide_mask m, wide_real x, wide_real y) { return {sel(m.a, x.a, y.a), sel(m.b, x.b, y.b)}; }
STM_FN wide_real sel(wide_mask m, wide_real x, double y) { return sel(m, x, wide_splat(y)); }
STM_FN wide_real sel(wide_mask m, double x, wide_real y) { return sel(m, wide_splat(x), y); }
STM_FN wide_real sel(wide_mask m, double x, double y) { return sel(m, wide_splat(x), wide_splat(y)); }
STM_FN wide_ints seli(wide_mask m, wide_ints x, wide_ints y) { return {seli(m.a, x.a, y.a), seli(m.b, x.b, y.b)}; }
STM_FN wide_mask both(wide_mask x, wide_mask y) { return {both(x.a, y.a), both(x.b, y.b)}; }
STM_FN wide_mask either(wide_mask x, wide_mask y) { return {either(x.a, y.a), either(x.b, y.b)}; }
STM_FN wide_mask negate(wide_mask x) { return {negate(x.a), negate(x.b)}; }
STM_FN bool any(wide_mask x) { return any(either(x.a, x.b)); }
STM_FN wide_real root(wide_real x) { return {root(x.a), root(x.b)}; }
STM_FN wide_ints bits(wide_real x) { return {bits(x.a), bits(x.b)}; }
STM_FN wide_real from_bits(wide_ints x) { return {from_bits(x.a), from_bits(x.b)}; }
STM_FN wide_ints to_ints(wide_real x) { return {to_ints(x.a), to_ints(x.b)}; }
STM_FN wide_real absolute(wide_real x) { return {absolute(x.a), absolute(x.b)}; }
STM_FN wide_real smaller(wide_real x, wide_real y) { return {smaller(x.a, y.a), smaller(x.b, y.b)}; }
STM_FN wide_real larger(wide_real x, wide_real y) { return {larger(x.a, y.a), larger(x.b, y.b)}; }
STM_FN wide_real wide_load(const double* p) { return {load(p), load(p + STM_LANES)}; }
STM_FN void store(double* p, wide_real x) { store(p, x.a); store(p + STM_LANES, x.b); }
STM_FN void store_i8(i8* p, wide_ints x) { store_i8(p, x.a); store_i8(p + STM_LANES, x.b); }
STM_FN wide_real wide_load_i8(const i8* p) { return {load_i8(p), load_i8(p + STM_LANES)}; }
STM_FN wide_ints wide_load_i64(const i64* p) { return {load_i64(p), load_i64(p + STM_LANES)}; }
STM_FN wide_ints wide_load_i32(const i32* p) { return {load_i32(p), load_i32(p + STM_LANES)}; }
STM_FN wide_ints wide_splat_i64(i64 x) { return {splat_i64(x), splat_i64(x)}; }
STM_FN wide_ints gather_i64(const i64* p, wide_ints at) { return {gather_i64(p, at.a), gather_i64(p, at.b)}; }
STM_FN void store_i64(i64* p, wide_ints x) { store_i64(p, x.a); store_i64(p + STM_LANES, x.b); }
STM_FN wide_ints wide_lane_ids() { return {lane_ids(), lane_ids() + (i64)STM_LANES}; }
STM_FN wide_real gather(const double* p, wide_ints at) { return {gather(p, at.a), gather(p, at.b)}; }
STM_FN void scatter(double* p, wide_ints at, wide_real x, wide_mask m) {
    scatter(p, at.a, x.a, m.a);
    scatter(p, at.b, x.b, m.b);
}

#undef STM_LANES
#define STM_LANES (2 * STM_BYTES / 8)
#define real wide_real
#define ints wide_ints
#define mask wide_mask
#define splat wide_splat
#define load wide_load
#define lane_ids wide_lane_ids
#define words wide_words
#define load_i8 wide_load_i8
#define load_i32 wide_load_i32
#define load_i64 wide_load_i64
#define splat_i64 wide_splat_i64
#endif
