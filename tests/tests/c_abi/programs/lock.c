/* The lock over the C interface, in calm and when it is taken away. */
#include "check.h"

#include <pthread.h>
#include <unistd.h>

static gocore_etcd_lock *acquire(gocore_etcd_client *client, const char *key)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    options.ttl_ms = 10000;
    EXPECT(OK, gocore_etcd_lock_acquire(client, key, &options, 20000, NULL, &lock, &err));
    CHECK(gocore_etcd_lock_is_held(lock) && gocore_etcd_lock_token(lock) > 0);
    return lock;
}

/* How many contend for a lock: the keys below its own. */
static uint64_t contenders(gocore_etcd_client *client, const char *key)
{
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_kv_listing *listing;
    char prefix[100];
    uint64_t count;
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    options.content = GOCORE_ETCD_CONTENT_COUNT;
    snprintf(prefix, sizeof prefix, "/go-core/locks/%s/", key);
    EXPECT(OK, gocore_etcd_kv_list(client, prefix, strlen(prefix), &options, 0, &listing, &err));
    count = gocore_etcd_kv_listing_count(listing);
    gocore_etcd_kv_listing_free(listing);
    return count;
}

static void until_contenders(gocore_etcd_client *client, const char *key, uint64_t count)
{
    int n;
    for (n = 0; n < 2000 && contenders(client, key) != count; n++)
        usleep(10000);
    CHECK(contenders(client, key) == count);
}

static void held_and_given_back(gocore_etcd_client *client)
{
    gocore_etcd_put_options leased = GOCORE_ETCD_PUT_OPTIONS_INIT;
    gocore_etcd_lock *lock = acquire(client, "/c/held/"), *second = lock;
    int64_t revision = 0;

    CHECK(strcmp(gocore_etcd_lock_key(lock), "/go-core/locks/c/held") == 0);
    NO_ERROR(NOT_ACQUIRED, gocore_etcd_lock_try_acquire(client, "c/held", NULL, 0, &second, &err));
    CHECK(second == NULL);
    EXPECT(DEADLINE_EXCEEDED, gocore_etcd_lock_acquire(client, "c/held", NULL, 100, NULL, &second, &err));
    CHECK(second == NULL);
    NO_ERROR(DEADLINE_EXCEEDED, gocore_etcd_lock_wait_lost(lock, 50, NULL, &err));
    EXPECT(OK, gocore_etcd_lock_put(lock, "/c/guarded", 10, "1", 1, NULL, 0, &revision, &err));
    CHECK(revision > gocore_etcd_lock_token(lock));
    EXPECT(OK, gocore_etcd_lock_put(lock, "/c/guarded", 10, "2", 1, NULL, 3000, NULL, &err));
    leased.lease = 77;
    EXPECT(NOT_FOUND, gocore_etcd_lock_put(lock, "/c/guarded", 10, "2", 1, &leased, 0, NULL, &err));
    until_contenders(client, "c/held", 1);
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 5000, &err));
    CHECK(!gocore_etcd_lock_is_held(lock));
    EXPECT(OK, gocore_etcd_lock_wait_lost(lock, 0, NULL, &err));
    revision = 7;
    EXPECT(LOST, gocore_etcd_lock_put(lock, "/c/guarded", 10, "3", 1, NULL, 0, &revision, &err));
    CHECK(revision == 0);
    gocore_etcd_lock_free(lock);

    EXPECT(OK, gocore_etcd_lock_try_acquire(client, "c/held", NULL, 0, &lock, &err));
    gocore_etcd_lock_free(lock);
    until_contenders(client, "c/held", 0);
}

static void guarded_transaction(gocore_etcd_client *client)
{
    gocore_etcd_lock *lock = acquire(client, "c/guard");
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_op put;
    gocore_etcd_txn_result *result;

    memset(&put, 0, sizeof put);
    put.kind = GOCORE_ETCD_OP_PUT;
    put.key = "/c/guarded";
    put.key_len = 10;
    txn.then_ops = &put;
    txn.then_ops_len = 1;
    txn.guard = lock;
    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(gocore_etcd_txn_result_succeeded(result));
    gocore_etcd_txn_result_free(result);
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    EXPECT(LOST, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(result == NULL);
    gocore_etcd_lock_free(lock);
}

/* Somebody deletes the contender's key: the lock is lost at once, and everything says so. */
static void taken_away(gocore_etcd_client *client)
{
    gocore_etcd_lock *lock = acquire(client, "c/taken");
    gocore_etcd_range_options all = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    const char *queue = "/go-core/locks/c/taken/";

    all.scope = GOCORE_ETCD_SCOPE_PREFIX;
    /* Its own key is watched once it is held for longer than a moment. */
    NO_ERROR(DEADLINE_EXCEEDED, gocore_etcd_lock_wait_lost(lock, 300, NULL, &err));
    EXPECT(OK, gocore_etcd_kv_delete(client, queue, strlen(queue), &all, 0, NULL, &err));
    EXPECT(OK, gocore_etcd_lock_wait_lost(lock, 10000, NULL, &err));
    CHECK(!gocore_etcd_lock_is_held(lock));
    EXPECT(LOST, gocore_etcd_lock_put(lock, "/c/guarded", 10, "1", 1, NULL, 0, NULL, &err));
    EXPECT(LOST, gocore_etcd_lock_unlock(lock, 0, &err));
    gocore_etcd_lock_free(lock);
}

struct waiter {
    gocore_etcd_client *client;
    gocore_etcd_cancel_token *token;
    gocore_etcd_lock *lock;
    int begins;
};

static void *wait_until_cancelled(void *argument)
{
    struct waiter *waiter = argument;
    gocore_etcd_lock *lock;
    EXPECT(CANCELLED, gocore_etcd_lock_acquire(waiter->client, "c/cancel", NULL, 0, waiter->token, &lock, &err));
    CHECK(lock == NULL);
    return NULL;
}

static void cancelled(gocore_etcd_client *client)
{
    struct waiter waiter;
    pthread_t threads[3];
    gocore_etcd_lock *lock = acquire(client, "c/cancel");
    int n;

    waiter.client = client;
    waiter.token = gocore_etcd_cancel_token_new();
    CHECK(!gocore_etcd_cancel_token_is_cancelled(waiter.token));
    for (n = 0; n < 3; n++)
        CHECK(pthread_create(&threads[n], NULL, wait_until_cancelled, &waiter) == 0);
    until_contenders(client, "c/cancel", 4);
    gocore_etcd_cancel_token_cancel(waiter.token);
    for (n = 0; n < 3; n++)
        pthread_join(threads[n], NULL);
    CHECK(gocore_etcd_cancel_token_is_cancelled(waiter.token));
    /* Nothing is left behind in the queue, and a token that has fired cancels at once. */
    until_contenders(client, "c/cancel", 1);
    EXPECT(CANCELLED, gocore_etcd_lock_wait_lost(lock, 0, waiter.token, &err));
    gocore_etcd_cancel_token_free(waiter.token);
    gocore_etcd_lock_free(lock);
}

static void *wait_for_loss(void *argument)
{
    struct waiter *waiter = argument;
    __atomic_store_n(&waiter->begins, 1, __ATOMIC_RELEASE);
    EXPECT(OK, gocore_etcd_lock_wait_lost(waiter->lock, 0, NULL, &err));
    return NULL;
}

/* Freed while another thread waits on it: the wait, which began before, ends well, and the lock is given back. */
static void freed_under_way(gocore_etcd_client *client)
{
    struct waiter waiter;
    pthread_t thread;
    waiter.lock = acquire(client, "c/freed");
    waiter.begins = 0;
    CHECK(pthread_create(&thread, NULL, wait_for_loss, &waiter) == 0);
    while (!__atomic_load_n(&waiter.begins, __ATOMIC_ACQUIRE))
        usleep(1000);
    /* It needs but to enter. */
    usleep(200000);
    gocore_etcd_lock_free(waiter.lock);
    pthread_join(thread, NULL);
    until_contenders(client, "c/freed", 0);
}

/* A client freed while a call on it waits: the call, which began before, goes on and can still be cancelled. */
static void client_freed_under_way(char **argv, gocore_etcd_client *other)
{
    gocore_etcd_lock *lock = acquire(other, "c/cancel");
    struct waiter waiter;
    pthread_t thread;
    waiter.client = connect_to(argv);
    waiter.token = gocore_etcd_cancel_token_new();
    CHECK(pthread_create(&thread, NULL, wait_until_cancelled, &waiter) == 0);
    until_contenders(other, "c/cancel", 2);
    gocore_etcd_client_free(waiter.client);
    usleep(200000);
    CHECK(contenders(other, "c/cancel") == 2);
    gocore_etcd_cancel_token_cancel(waiter.token);
    gocore_etcd_cancel_token_free(waiter.token);
    pthread_join(thread, NULL);
    until_contenders(other, "c/cancel", 1);
    gocore_etcd_lock_free(lock);
}

/* Handles keep their client alive, and closing gives back what is held. */
static void closed(char **argv, gocore_etcd_client *other)
{
    gocore_etcd_client *client = connect_to(argv);
    gocore_etcd_lock *lock = acquire(client, "c/closed"), *kept;
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    CHECK(!gocore_etcd_lock_is_held(lock));
    EXPECT(OK, gocore_etcd_lock_wait_lost(lock, 0, NULL, &err));
    EXPECT(CLOSED, gocore_etcd_lock_put(lock, "/c/guarded", 10, "1", 1, NULL, 0, NULL, &err));
    CHECK(contenders(other, "c/closed") == 0);
    gocore_etcd_client_free(client);
    gocore_etcd_lock_free(lock);

    client = connect_to(argv);
    kept = acquire(client, "c/kept");
    gocore_etcd_client_free(client);
    usleep(300000);
    CHECK(gocore_etcd_lock_is_held(kept));
    EXPECT(OK, gocore_etcd_lock_put(kept, "/c/guarded", 10, "1", 1, NULL, 0, NULL, &err));
    gocore_etcd_lock_free(kept);
    until_contenders(other, "c/kept", 0);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    CHECK(argc > 1);
    client = connect_to(argv);
    held_and_given_back(client);
    guarded_transaction(client);
    taken_away(client);
    cancelled(client);
    freed_under_way(client);
    client_freed_under_way(argv, client);
    closed(argv, client);
    close_and_free(client);
    return 0;
}
