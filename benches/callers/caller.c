/* One call over and over: what it takes from C. Arguments: the options of a manager, the request that gives the answer
 * its size, the request that is repeated. Prints the microseconds a call of each round. */
#define _POSIX_C_SOURCE 200809L

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "sis_integrations.h"

enum { ROUNDS = 9, CALLS = 5000 };

static void checked(sis_status status, sis_error *error) {
    if (status == SIS_STATUS_OK) return;
    sis_str message = sis_error_message(error);
    fprintf(stderr, "%.*s\n", (int)message.len, message.data);
    exit(1);
}

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    sis_error *error = NULL;
    sis_manager *manager = NULL;
    sis_bytes result = {0};
    checked(sis_manager_open(sis_str_from(arguments[1]), &manager, &error), error);
    checked(sis_manager_grant(manager, sis_str_from(arguments[2]), &result, &error), error);
    sis_bytes_free(&result);
    sis_str function = sis_str_from("permissions");
    sis_str request = sis_str_from(arguments[3]);
    for (int round = 0; round < ROUNDS; round++) {
        double start = now_us();
        for (int call = 0; call < CALLS; call++) {
            checked(sis_manager_call(manager, function, request, &result, &error), error);
            sis_bytes_free(&result);
        }
        printf("%f\n", (now_us() - start) / CALLS);
    }
    checked(sis_manager_close(manager, 1000, &error), error);
    sis_manager_free(manager);
    return 0;
}
