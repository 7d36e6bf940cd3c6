/* The small tools of a test program in C. What does not hold ends it, with its place. */
#ifndef CHECK_H
#define CHECK_H

#include <gocore_etcd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(holds)                                                                                                   \
    do {                                                                                                               \
        if (!(holds)) {                                                                                                \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #holds);                                 \
            exit(1);                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A call whose last argument is &err, and which must give this status: with an error exactly when it is none of OK and
 * the statuses that are no errors. */
#define EXPECT(expected, call)                                                                                         \
    do {                                                                                                               \
        gocore_etcd_error *err = (gocore_etcd_error *)&err_garbage;                                                    \
        gocore_etcd_status status = call;                                                                              \
        if (status != GOCORE_ETCD_STATUS_##expected) {                                                                 \
            fprintf(stderr, "%s:%d: %s: %s: %s\n", __FILE__, __LINE__, #call, gocore_etcd_status_text(status),         \
                    err ? gocore_etcd_error_message(err) : "no error");                                                \
            exit(1);                                                                                                   \
        }                                                                                                              \
        CHECK(err == NULL || gocore_etcd_error_status(err) == status);                                                 \
        CHECK(status != GOCORE_ETCD_STATUS_OK || err == NULL);                                                         \
        gocore_etcd_error_free(err);                                                                                   \
    } while (0)

/* The same for a call that gives no error although it is not OK. */
#define NO_ERROR(expected, call)                                                                                       \
    do {                                                                                                               \
        gocore_etcd_error *err = (gocore_etcd_error *)&err_garbage;                                                    \
        CHECK(call == GOCORE_ETCD_STATUS_##expected);                                                                  \
        CHECK(err == NULL);                                                                                            \
    } while (0)

/* A call that is refused, with a text that names the argument. */
#define REFUSED(argument, call)                                                                                        \
    do {                                                                                                               \
        gocore_etcd_error *err = (gocore_etcd_error *)&err_garbage;                                                    \
        gocore_etcd_status status = call;                                                                              \
        CHECK(status == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);                                                          \
        CHECK(err != NULL);                                                                                            \
        if (strstr(gocore_etcd_error_message(err), argument ": ") == NULL) {                                           \
            fprintf(stderr, "%s:%d: does not name %s: %s\n", __FILE__, __LINE__, argument,                             \
                    gocore_etcd_error_message(err));                                                                   \
            exit(1);                                                                                                   \
        }                                                                                                              \
        gocore_etcd_error_free(err);                                                                                   \
    } while (0)

/* What an output holds before the call; the call must replace it. */
static int err_garbage;

/* A client of the endpoint that is the program's first argument. */
static inline gocore_etcd_client *connect_to(char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *client;
    config.endpoints = (const char *const *)(argv + 1);
    config.endpoints_len = 1;
    /* Under memcheck everything takes fifty times as long. */
    config.dial_timeout_ms = 60000;
    EXPECT(OK, gocore_etcd_client_connect(&config, &client, &err));
    CHECK(client != NULL);
    return client;
}

static inline void close_and_free(gocore_etcd_client *client)
{
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    gocore_etcd_client_free(client);
}

#endif
