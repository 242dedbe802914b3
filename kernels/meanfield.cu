// meanfield.cu: expected collision rates of a whole population, shell by shell. No spills.
//
// Method, sources and bias: stmgpu/debris/collisions/mean_field.py; k: crossing.py (D. J. Kessler, Icarus 48, 1981).
// An object i of inclination b_i spends the share f_is of its period in shell s of volume V_s, where a circular orbit
// has the speed v_s. It collides at the rate
//     R_i = sum_s f_is q_is v_s / V_s  sum_g sum_b k_g(b_i, b)  sum_(j in b) w_j f_js q_js pi (r_i + r_j)^2,
//     q_is = sqrt(3/2 - r_s / (2 a_i)),   the mean-square speed in the shell over that of the circle,
// g the groups of relative speed. (r_i + r_j)^2 = r_i^2 + 2 r_i r_j + r_j^2, so the inner sum needs only
// the moments sum w f q r^p, p = 0, 1, 2, of every shell and bin, and of every class of mass, on which it depends
// whether a collision is catastrophic and how many fragments it makes. A cell is a shell and a bin of inclination;
// parties are sets of objects that avoid each other alike (constellations, the controlled, the rest), groups of parties
// have the same factors towards all. Steps:
//     field_moments    objects -> moments of each party, as integers of small units, so that their order is no matter
//     field_partners   sum over parties of factor times moment: the partners of each group of parties in each cell
//     field_met        sum over bins of k times partners, for each bin of inclination and group of speed
//     field_hits       sum over groups of speed and classes of the partners: collisions, catastrophic ones, fragments
//     field_rates      sum over the shells that an object crosses, less its rate with itself
//     field_shells     sums of the rates by shell, each pair counted once
// Cells without objects are skipped.
#include "mean_field.h"
#include "shells.h"

#define ROUNDING 1e-12              // an object without partners keeps this share of its rate with itself at most
struct Shells {
    i64 count;
    const double* edges;
    const double* centres;
};

// The shells that an orbit crosses, one after the other from the lowest.
struct Walk {
    real a, e, before;
    ints shell, last;
    mask eccentric, inside;
};

// How many edges lie at or below a radius.
STM_FN ints edges_below(const Shells& shells, real radius) {
    i64 step = 1;
    while (step <= shells.count) step *= 2;
    ints found = splat_i64(0);
    for (; step > 0; step /= 2) {
        ints next = found + step;
        mask there = next <= shells.count + 1;
        there = both(there, gather(shells.edges, seli(there, next, splat_i64(1)) - 1LL) <= radius);
        found = seli(there, next, found);
    }
    return found;
}

STM_FN real share_below_edge(const Shells& shells, ints edge, const Walk& w) {
    return share_below(gather(shells.edges, edge), w.a, w.e, w.eccentric);
}

STM_FN Walk walk_of(const Shells& shells, real a, real e, mask present) {
    Walk w;
    w.a = a;
    w.e = e;
    w.eccentric = e > CIRCULAR;
    ints first = edges_below(shells, a * (1.0 - e)) - 1LL;
    w.last = edges_below(shells, a * (1.0 + e)) - 1LL;
    w.inside = both(present, both(w.last >= 0, first < shells.count));
    w.last = seli(w.last < shells.count, w.last, splat_i64(shells.count - 1));
    w.shell = seli(both(first > 0, w.inside), first, splat_i64(0));
    w.before = share_below_edge(shells, w.shell, w);
    return w;
}

// f q of the current shell: share of the period times ratio of speeds; then on to the next shell.
STM_FN real share_of(const Shells& shells, Walk* w) {
    real after = share_below_edge(shells, w->shell + 1LL, *w);
    real square = 1.5 - 0.5 * gather(shells.centres, w->shell) / w->a;
    real share = (after - w->before) * root(larger(square, splat(0.0)));
    w->before = after;
    return share;
}

STM_FN void step_of(Walk* w) {
    w->inside = both(w->inside, w->shell < w->last);
    w->shell = seli(w->inside, w->shell + 1LL, w->shell);
}

STM_KERNEL field_moments(
    i64 n,                               // objects, a multiple of 16
    i64 objects,                         // objects in use
    i64 parties,                         // parties that treat each other alike
    i64 shells,                          // shells
    i64 bins,                            // bins of inclination
    i64 width,                           // room for 3 powers of every class of mass, a multiple of 8
    double unit0,                        // parts of w f that are counted: a power of two
    double unit1,                        // parts of w f r
    double unit2,                        // parts of w f r^2
    const double* STM_RESTRICT edges,    // [shells + 1] radii between the shells [km]
    const double* STM_RESTRICT centres,  // [shells] radii in their middle
    const double* STM_RESTRICT numbers,  // [NUMBER_COLUMNS][n] see mean_field.h
    const i32* STM_RESTRICT labels,      // [LABEL_COLUMNS][n] see mean_field.h
    double* STM_RESTRICT there,          // [parties][shells][bins] 1 where anybody is; 0 before
    i64* STM_RESTRICT moments)           // [parties][shells][bins][width] power by power within each class; 0 before
{
    (void)parties;
    const Shells all = {shells, edges, centres};
    STM_PARALLEL(i, n, STM_LANES) {
        mask present = lane_ids() + i < objects;
        if (!any(present)) continue;
        const double* x = numbers + i;
        const i32* label = labels + i;
        Walk walk = walk_of(all, load(x + NUMBER_A_KM * n), load(x + NUMBER_ECC * n), present);
        real radius = load(x + NUMBER_RADIUS_M * n), weight = load(x + NUMBER_WEIGHT * n);
        real zeroth = weight * unit0, first = (weight * radius) * unit1, second = (weight * radius * radius) * unit2;
        ints party = load_i32(label + LABEL_PARTY * n) * shells, bin = load_i32(label + LABEL_BIN * n);
        ints column = load_i32(label + LABEL_PARTNER_CLASS * n) * (i64)MEAN_FIELD_POWERS;
        while (any(walk.inside)) {
            real share = share_of(all, &walk);
            ints cell = (party + walk.shell) * bins + bin, place = cell * width + column;
            scatter(there, cell, splat(1.0), walk.inside);
            add_i64(moments, place, to_ints(nearest(zeroth * share)), walk.inside);
            add_i64(moments, place + 1LL, to_ints(nearest(first * share)), walk.inside);
            add_i64(moments, place + 2LL, to_ints(nearest(second * share)), walk.inside);
            step_of(&walk);
        }
    }
}

STM_KERNEL field_partners(
    i64 groups,                          // groups of parties with the same factors towards all
    i64 parties,                         // parties
    i64 cells,                           // shells times bins
    i64 width,                           // of a cell
    const double* STM_RESTRICT factors,  // [groups][parties] on encounters with each party
    const double* STM_RESTRICT members,  // [groups][parties] 1 where the party is of the group
    const double* STM_RESTRICT there,    // [parties][cells] see field_moments
    const i64* STM_RESTRICT moments,     // [parties][cells][width]
    double* STM_RESTRICT seeks,          // [groups][cells] above 0 where anybody of the group is
    double* STM_RESTRICT finds,          // [groups][cells] above 0 where anybody is whom the group meets
    double* STM_RESTRICT partners)       // [groups][cells][width] whom the group meets, in units
{
    STM_PARALLEL(i, groups * cells * width, STM_LANES) {
        const i64 line = i / width, group = line / cells, cell = line - group * cells, column = i - line * width;
        double seeking = 0.0, finding = 0.0;
        real sum = splat(0.0);
        for (i64 party = 0; party < parties; ++party) {
            const double anybody = there[party * cells + cell], factor = factors[group * parties + party];
            if (anybody == 0.0) continue;
            seeking += members[group * parties + party];
            finding += factor;
            sum = sum + to_reals(load_i64(moments + (party * cells + cell) * width + column)) * factor;
        }
        store(partners + i, sum);
        if (column == 0) {
            seeks[line] = seeking;
            finds[line] = finding;
        }
    }
}

STM_KERNEL field_met(
    i64 groups,                           // groups of parties
    i64 shells,                           // shells
    i64 bins,                             // bins of inclination
    i64 width,                            // of a cell
    const double* STM_RESTRICT k,         // [MEAN_FIELD_SPEEDS][bins][bins] encounters of two inclinations
    const double* STM_RESTRICT seeks,     // [groups][shells][bins] see field_partners
    const double* STM_RESTRICT finds,     // [groups][shells][bins]
    const double* STM_RESTRICT partners,  // [groups][shells][bins][width]
    double* STM_RESTRICT met)             // [groups][shells][bins][MEAN_FIELD_SPEEDS][width] where the group seeks
{
    STM_PARALLEL(i, groups * shells * bins * width, STM_LANES) {
        const i64 line = i / width, row = line / bins, bin = line - row * bins, column = i - line * width;
        if (seeks[line] == 0.0) continue;
        real sum[MEAN_FIELD_SPEEDS];
        for (int speed = 0; speed < MEAN_FIELD_SPEEDS; ++speed) sum[speed] = splat(0.0);
        for (i64 other = 0; other < bins; ++other) {
            if (finds[row * bins + other] == 0.0) continue;
            real there = load(partners + (row * bins + other) * width + column);
            const double* meets = k + bin * bins + other;
            for (int speed = 0; speed < MEAN_FIELD_SPEEDS; ++speed)
                sum[speed] = sum[speed] + there * meets[speed * bins * bins];
        }
        for (int speed = 0; speed < MEAN_FIELD_SPEEDS; ++speed)
            store(met + (line * MEAN_FIELD_SPEEDS + speed) * width + column, sum[speed]);
    }
}

STM_KERNEL field_hits(
    i64 lines,                            // groups of parties times cells
    i64 width,                            // of a cell
    i64 classes,                          // classes of mass of partners
    i64 owners,                           // classes of an object's own mass, a multiple of 8
    const double* STM_RESTRICT outcomes,  // [MEAN_FIELD_SPEEDS][classes][2][owners] whether catastrophic, fragments
    const double* STM_RESTRICT seeks,     // [lines] see field_partners
    const double* STM_RESTRICT met,       // [lines][MEAN_FIELD_SPEEDS][width]
    double* STM_RESTRICT hits)            // [lines][MEAN_FIELD_HITS][owners] by outcome and power, where seeks > 0
{
    STM_PARALLEL(i, lines * owners, STM_LANES) {
        const i64 line = i / owners, own = i - line * owners;
        if (seeks[line] == 0.0) continue;
        real sum[MEAN_FIELD_HITS];
        for (int h = 0; h < MEAN_FIELD_HITS; ++h) sum[h] = splat(0.0);
        for (i64 speed = 0; speed < MEAN_FIELD_SPEEDS; ++speed) {
            const double* there = met + (line * MEAN_FIELD_SPEEDS + speed) * width;
            for (i64 c = 0; c < classes; ++c) {
                const double* outcome = outcomes + (speed * classes + c) * 2 * owners + own;
                real breaks = load(outcome), fragments = load(outcome + owners);
                for (int power = 0; power < MEAN_FIELD_POWERS; ++power) {
                    const double amount = there[c * MEAN_FIELD_POWERS + power];
                    sum[power] = sum[power] + amount;
                    sum[MEAN_FIELD_POWERS + power] = sum[MEAN_FIELD_POWERS + power] + breaks * amount;
                    sum[2 * MEAN_FIELD_POWERS + power] = sum[2 * MEAN_FIELD_POWERS + power] + fragments * amount;
                }
            }
        }
        for (int h = 0; h < MEAN_FIELD_HITS; ++h) store(hits + (line * MEAN_FIELD_HITS + h) * owners + own, sum[h]);
    }
}

// Rate of an outcome in the cell whose hits begin at `place`: r^2 M_0 + 2 r M_1 + M_2 of its moments.
STM_FN real met_there(const double* hits, i64 owners, ints place, int outcome, const real powers[MEAN_FIELD_POWERS]) {
    const double* table = hits + outcome * MEAN_FIELD_POWERS * owners;
    return (gather(table, place) * powers[0] + gather(table + owners, place) * powers[1])
        + gather(table + 2 * owners, place) * powers[2];
}

STM_KERNEL field_rates(
    i64 n,                                   // objects, a multiple of 16
    i64 objects,                             // objects in use
    i64 groups,                              // groups of parties
    i64 parties,                             // parties
    i64 shells,                              // shells
    i64 bins,                                // bins of inclination
    i64 classes,                             // classes of mass of partners
    i64 owners,                              // classes of an object's own mass
    double unit0,                            // see field_moments
    double unit1,                            // ...
    double unit2,                            // ...
    const double* STM_RESTRICT edges,        // [shells + 1] radii between the shells [km]
    const double* STM_RESTRICT centres,      // [shells] radii in their middle
    const double* STM_RESTRICT scale,        // [shells] rate per unit of k and m^2 [1/a]
    const double* STM_RESTRICT k,            // [MEAN_FIELD_SPEEDS][bins][bins] how often two inclinations meet
    const double* STM_RESTRICT outcomes,     // [MEAN_FIELD_SPEEDS][classes][2][owners] whether catastrophic, fragments
    const double* STM_RESTRICT towards_own,  // [parties] factor on encounters within the party
    const double* STM_RESTRICT numbers,      // [NUMBER_COLUMNS][n] see mean_field.h
    const i32* STM_RESTRICT labels,          // [LABEL_COLUMNS][n]
    const double* STM_RESTRICT hits,         // [groups][shells][bins][MEAN_FIELD_HITS][owners] see field_hits
    double* STM_RESTRICT rates,              // [MEAN_FIELD_OUTCOMES + 1][n] outcomes, then with itself [1/a]
    double* STM_RESTRICT halves)             // [2][n] factors from what is met to the sums of shells
{
    (void)groups;
    (void)parties;
    const Shells all = {shells, edges, centres};
    STM_PARALLEL(i, n, STM_LANES) {
        mask present = lane_ids() + i < objects;
        const double* x = numbers + i;
        const i32* label = labels + i;
        real sum[MEAN_FIELD_OUTCOMES], own[MEAN_FIELD_OUTCOMES], squares = splat(0.0);
        for (int o = 0; o < MEAN_FIELD_OUTCOMES; ++o) sum[o] = splat(0.0);
        real radius = load(x + NUMBER_RADIUS_M * n), weight = load(x + NUMBER_WEIGHT * n);
        const real powers[MEAN_FIELD_POWERS] = {radius * radius * (1.0 / unit0), radius * (2.0 / unit1),
                                                splat(1.0 / unit2)};
        ints bin = load_i32(label + LABEL_BIN * n), group = load_i32(label + LABEL_GROUP * n) * shells;
        ints own_class = load_i32(label + LABEL_OWN_CLASS * n), party = load_i32(label + LABEL_PARTY * n);
        Walk walk = walk_of(all, load(x + NUMBER_A_KM * n), load(x + NUMBER_ECC * n), present);
        while (any(walk.inside)) {
            real share = share_of(all, &walk), amount = share * gather(scale, walk.shell);
            ints place = ((group + walk.shell) * bins + bin) * (MEAN_FIELD_HITS * owners) + own_class;
            for (int o = 0; o < MEAN_FIELD_OUTCOMES; ++o) {
                real there = sel(walk.inside, met_there(hits, owners, place, o, powers), splat(0.0));
                sum[o] = sum[o] + there * amount;
            }
            squares = squares + sel(walk.inside, share * amount, splat(0.0));
            step_of(&walk);
        }
        // a row that stands for several objects does meet itself
        real itself = squares * (radius * radius * 4.0) * smaller(weight, splat(1.0));
        for (int o = 0; o < MEAN_FIELD_OUTCOMES; ++o) own[o] = splat(0.0);
        ints column = load_i32(label + LABEL_PARTNER_CLASS * n) * (2 * owners) + own_class;
        for (int speed = 0; speed < MEAN_FIELD_SPEEDS; ++speed) {
            real meets = gather(k + speed * bins * bins, bin * bins + bin);
            const double* outcome = outcomes + speed * classes * 2 * owners;
            own[0] = own[0] + meets;
            own[1] = own[1] + meets * gather(outcome, column);
            own[2] = own[2] + meets * gather(outcome + owners, column);
        }
        store(rates + 3 * n + i, own[0] * itself);
        itself = itself * gather(towards_own, party);
        for (int o = 0; o < MEAN_FIELD_OUTCOMES; ++o) {
            real alone = own[o] * itself;
            real rate = sel(alone < (1.0 - ROUNDING) * sum[o], sum[o] - alone, splat(0.0));
            store(rates + o * n + i, rate);
            if (o < 2) store(halves + o * n + i, sel(rate > 0.0, rate / sum[o] * (0.5 * weight), splat(0.0)));
        }
    }
}

STM_KERNEL field_shells(
    i64 n,                               // objects, a multiple of 16
    i64 objects,                         // objects in use
    i64 groups,                          // groups of parties
    i64 shells,                          // shells
    i64 bins,                            // bins of inclination
    i64 owners,                          // classes of an object's own mass
    double unit0,                        // see field_moments
    double unit1,                        // ...
    double unit2,                        // ...
    double unit,                         // parts of a collision a year that are counted
    const double* STM_RESTRICT edges,    // [shells + 1] radii between the shells [km]
    const double* STM_RESTRICT centres,  // [shells] radii in their middle
    const double* STM_RESTRICT scale,    // [shells] rate per unit of k and m^2 [1/a]
    const double* STM_RESTRICT numbers,  // [NUMBER_COLUMNS][n] see mean_field.h
    const i32* STM_RESTRICT labels,      // [LABEL_COLUMNS][n]
    const double* STM_RESTRICT hits,     // [groups][shells][bins][MEAN_FIELD_HITS][owners] see field_hits
    const double* STM_RESTRICT halves,   // [2][n] see field_rates
    i64* STM_RESTRICT sums)              // [2][shells] collisions, catastrophic ones; 0 before
{
    (void)groups;
    const Shells all = {shells, edges, centres};
    STM_PARALLEL(i, n, STM_LANES) {
        mask present = lane_ids() + i < objects;
        if (!any(present)) continue;
        const double* x = numbers + i;
        const i32* label = labels + i;
        real radius = load(x + NUMBER_RADIUS_M * n);
        const real powers[MEAN_FIELD_POWERS] = {radius * radius * (1.0 / unit0), radius * (2.0 / unit1),
                                                splat(1.0 / unit2)};
        ints bin = load_i32(label + LABEL_BIN * n), group = load_i32(label + LABEL_GROUP * n) * shells;
        ints own_class = load_i32(label + LABEL_OWN_CLASS * n);
        const real half[2] = {load(halves + i) * unit, load(halves + n + i) * unit};
        Walk walk = walk_of(all, load(x + NUMBER_A_KM * n), load(x + NUMBER_ECC * n), present);
        while (any(walk.inside)) {
            real amount = share_of(all, &walk) * gather(scale, walk.shell);
            ints place = ((group + walk.shell) * bins + bin) * (MEAN_FIELD_HITS * owners) + own_class;
            for (int o = 0; o < 2; ++o) {
                real there = sel(walk.inside, met_there(hits, owners, place, o, powers) * amount, splat(0.0));
                add_i64(sums + o * shells, walk.shell, to_ints(nearest(there * half[o])), walk.inside);
            }
            step_of(&walk);
        }
    }
}
