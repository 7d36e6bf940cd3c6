/* What the walk over all functions (walk.rs) needs to know beside the header: a handle of each kind, what is right in
 * structs and enumerations that do not say so by themselves. */
#ifndef FIXTURES_H
#define FIXTURES_H

#include "check.h"

#include <pthread.h>
#include <unistd.h>

/* A value of each enumeration that is a parameter. */
#define RIGHT_LEVEL GOCORE_ETCD_LOG_INFO

/* No complaint about an argument (with `any`: whatever it is), and no bug. */
#define ACCEPTED(any, call)                                                                                            \
    do {                                                                                                               \
        gocore_etcd_error *err = (gocore_etcd_error *)&err_garbage;                                                    \
        gocore_etcd_status status = call;                                                                              \
        if (status == GOCORE_ETCD_STATUS_INTERNAL ||                                                                   \
            (!any && (status == GOCORE_ETCD_STATUS_INVALID_ARGUMENT || status == GOCORE_ETCD_STATUS_UNSUPPORTED))) {    \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #call,                                              \
                    err ? gocore_etcd_error_message(err) : "no error");                                                \
            exit(1);                                                                                                   \
        }                                                                                                              \
        gocore_etcd_error_free(err);                                                                                   \
    } while (0)

/* How often user_data was given, and given back: from whatever thread. */
static int given;
static int freed;
static pthread_mutex_t freeing = PTHREAD_MUTEX_INITIALIZER;

static inline void count_free(void *user_data)
{
    (void)user_data;
    pthread_mutex_lock(&freeing);
    freed++;
    pthread_mutex_unlock(&freeing);
}

static inline int all_freed(void)
{
    int all;
    pthread_mutex_lock(&freeing);
    CHECK(freed <= given);
    all = freed == given;
    pthread_mutex_unlock(&freeing);
    return all;
}

/* The end of each function's walk: the library still works, and every user_data has come back, once. */
static inline void finish(gocore_etcd_client *client)
{
    int n;
    gocore_etcd_client_close(client, 0, NULL);
    gocore_etcd_client_free(client);
    for (n = 0; n < 3000 && !all_freed(); n++)
        usleep(10000);
    CHECK(all_freed());
}

/* Handles. */

/* Of its own, since the walk may close it. */
#define a_client(client) connect_to(argv)

static inline gocore_etcd_lock *a_lock(gocore_etcd_client *client)
{
    gocore_etcd_lock *lock;
    EXPECT(OK, gocore_etcd_lock_acquire(client, "misuse/held", NULL, 60000, NULL, &lock, &err));
    return lock;
}

static inline void never(void *user_data)
{
    (void)user_data;
}

static inline gocore_etcd_subscription *a_subscription(gocore_etcd_client *client)
{
    gocore_etcd_lock *lock = a_lock(client);
    gocore_etcd_subscription *subscription;
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, never, NULL, NULL, &subscription, &err));
    gocore_etcd_lock_free(lock);
    return subscription;
}

static inline gocore_etcd_leadership *a_leadership(gocore_etcd_client *client)
{
    gocore_etcd_leadership *leadership;
    EXPECT(OK, gocore_etcd_election_campaign(client, "misuse/led", "walker", NULL, 60000, NULL, &leadership, &err));
    return leadership;
}

static inline gocore_etcd_leader *a_leader(gocore_etcd_client *client)
{
    gocore_etcd_leadership *leadership = a_leadership(client);
    gocore_etcd_leader *leader;
    EXPECT(OK, gocore_etcd_election_leader(client, "misuse/led", 0, &leader, &err));
    gocore_etcd_leadership_free(leadership);
    return leader;
}

static inline gocore_etcd_candidacy *a_candidacy(gocore_etcd_client *client)
{
    gocore_etcd_candidacy *candidacy;
    EXPECT(OK, gocore_etcd_election_candidacy(client, "misuse/stood", "walker", NULL, NULL, NULL, NULL, &candidacy, &err));
    return candidacy;
}

static inline gocore_etcd_cancel_token *a_cancel_token(gocore_etcd_client *client)
{
    (void)client;
    return gocore_etcd_cancel_token_new();
}

static inline gocore_etcd_error *a_error(gocore_etcd_client *client)
{
    gocore_etcd_error *error;
    CHECK(gocore_etcd_kv_put(client, "", 0, "", 0, NULL, 0, NULL, &error) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    return error;
}
static inline gocore_etcd_kv_entry *a_kv_entry(gocore_etcd_client *client)
{
    gocore_etcd_kv_entry *entry;
    EXPECT(OK, gocore_etcd_kv_put(client, "/misuse", 7, "v", 1, NULL, 0, NULL, &err));
    EXPECT(OK, gocore_etcd_kv_get(client, "/misuse", 7, NULL, 0, &entry, &err));
    return entry;
}

static inline gocore_etcd_kv_listing *a_kv_listing(gocore_etcd_client *client)
{
    gocore_etcd_kv_listing *listing;
    EXPECT(OK, gocore_etcd_kv_list(client, "/misuse", 7, NULL, 0, &listing, &err));
    return listing;
}

static inline gocore_etcd_txn_result *a_txn_result(gocore_etcd_client *client)
{
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_op op;
    gocore_etcd_txn_result *result;
    memset(&op, 0, sizeof op);
    op.kind = GOCORE_ETCD_OP_GET;
    op.key = "/misuse";
    op.key_len = 7;
    txn.then_ops = &op;
    txn.then_ops_len = 1;
    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    return result;
}

static gocore_etcd_kv_update *kept;

static inline void keep(void *user_data, const gocore_etcd_kv_update *update)
{
    (void)user_data;
    pthread_mutex_lock(&freeing);
    if (kept == NULL && gocore_etcd_kv_update_kind(update) == GOCORE_ETCD_UPDATE_SNAPSHOT)
        kept = gocore_etcd_kv_update_clone(update);
    pthread_mutex_unlock(&freeing);
}

static inline gocore_etcd_kv_update *a_kv_update(gocore_etcd_client *client)
{
    gocore_etcd_subscription *subscription;
    gocore_etcd_kv_update *update;
    int n;
    kept = NULL;
    EXPECT(OK, gocore_etcd_kv_watch(client, "/misuse", 7, NULL, keep, NULL, NULL, &subscription, &err));
    for (n = 0; n < 3000; n++) {
        pthread_mutex_lock(&freeing);
        update = kept;
        pthread_mutex_unlock(&freeing);
        if (update != NULL)
            break;
        usleep(10000);
    }
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(subscription, 0, &err));
    gocore_etcd_subscription_free(subscription);
    CHECK(update != NULL);
    return update;
}

/* Where TLS makes sense; nobody is there. */
static const char *const secure[] = {"https://127.0.0.1:1"};

/* Structs that their macro, or zeros, do not make right. */

static inline void right_client_config(gocore_etcd_client_config *config, char **argv)
{
    config->endpoints = (const char *const *)(argv + 1);
    config->endpoints_len = 1;
    config->dial_timeout_ms = 60000;
    /* So that a password is not refused for the lack of one. */
    config->username = "nobody";
}

static inline void right_compare(gocore_etcd_compare *compare, char **argv)
{
    (void)argv;
    compare->key = "/misuse";
    compare->key_len = 7;
}

static inline void right_op(gocore_etcd_op *op, char **argv)
{
    (void)argv;
    op->kind = GOCORE_ETCD_OP_PUT;
    op->key = "/misuse/op";
    op->key_len = 10;
}

#endif
