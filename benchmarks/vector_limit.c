/* What one core can do of the inner loop of log Z: factors 1 + e·t multiplied into products, t from a table in the L1
   cache, everything else in registers. Prints (unit, state) pairs per second of the processor, the best of five runs.

   cc -O3 -march=native -o vector_limit vector_limit.c

   Vectors are GCC's and Clang's own, as wide as the machine's: no intrinsics, so it compiles wherever they do. */

#include <stdio.h>
#include <time.h>

#if defined(__AVX512F__)
enum { LANES = 8, CHAINS = 8 };
#elif defined(__AVX__)
enum { LANES = 4, CHAINS = 8 };
#else
enum { LANES = 2, CHAINS = 8 };
#endif

enum { UNITS = 32, STATES = 128, REPEATS = 20000 };

typedef double vector __attribute__((vector_size(LANES * sizeof(double))));

static vector table[UNITS][STATES / LANES];
static double odds[UNITS];

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}

static double sum_of_products(void) {
    vector sum = {0};
    for (int tile = 0; tile < STATES / LANES; tile += CHAINS) {
        vector product[CHAINS];
        for (int k = 0; k < CHAINS; k++) product[k] = (vector){0} + 1.0;
        for (int i = 0; i < UNITS; i++)
            for (int k = 0; k < CHAINS; k++) product[k] *= 1.0 + odds[i] * table[i][tile + k];
        for (int k = 0; k < CHAINS; k++) sum += product[k];
    }
    double total = 0;
    for (int lane = 0; lane < LANES; lane++) total += sum[lane];
    return total;
}

int main(void) {
    for (int i = 0; i < UNITS; i++)
        for (int s = 0; s < STATES; s++) table[i][s / LANES][s % LANES] = 1.0 / (1 + i + s);
    double best = 0, total = 0;
    for (int run = 0; run < 5; run++) {
        double start = now();
        for (int r = 0; r < REPEATS; r++) {
            odds[r % UNITS] = 1e-3 * (r % 7); /* or the compiler would do it once */
            total += sum_of_products();
        }
        double rate = (double)REPEATS * UNITS * STATES / (now() - start);
        if (rate > best) best = rate;
    }
    printf("%.4e\n", best);
    return total < 0; /* and it must look as if it were needed */
}
