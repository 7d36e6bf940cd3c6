/* What the parts of the C agent share: its client, and how it says what happens. */
#ifndef SAY_H
#define SAY_H

#include <gocore_etcd.h>

#include "wire.h"

#include <pthread.h>

static gocore_etcd_client *client;

/* One line at a time, from whatever thread. */
static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

#define SAY(...)                                                                                                       \
    do {                                                                                                               \
        pthread_mutex_lock(&saying);                                                                                   \
        printf(__VA_ARGS__);                                                                                           \
        putchar('\n');                                                                                                 \
        fflush(stdout);                                                                                                \
        pthread_mutex_unlock(&saying);                                                                                 \
    } while (0)

static inline int failed(const char *what, gocore_etcd_error *err)
{
    SAY("{\"event\":\"failed\",\"do\":\"%s\",\"kind\":\"%s\",\"message\":%s}", what,
        kind_of(gocore_etcd_error_status(err)), quoted(gocore_etcd_error_message(err)));
    gocore_etcd_error_free(err);
    return -1;
}

static inline void on_lost(void *user_data)
{
    (void)user_data;
    SAY("{\"event\":\"lost\",\"at_ns\":%lld}", now());
}

#endif
