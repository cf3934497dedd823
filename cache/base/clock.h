#pragma once
/* Time that only goes forward, in milliseconds since some moment of this boot. */
#include <stdint.h>
#include <time.h>

int64_t clock_now_ms(void);

/* The same as a struct timespec `after_ms` from now, for waits on CLOCK_MONOTONIC conditions. */
struct timespec clock_after_ms(int64_t after_ms);
