/* A bug inside the library, at the place that is the second argument (and GOCORE_ETCD_TEST_PANIC, which only a debug
 * build looks at; it strikes once): the call fails with INTERNAL and its outputs as promised, or the callback says so;
 * the process lives on, and the next call works. */
#include "check.h"

#include <pthread.h>
#include <time.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int calls, frees;
static gocore_etcd_status came_to;

static void count(int *number)
{
    pthread_mutex_lock(&mutex);
    ++*number;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
}

static void on_free(void *user_data)
{
    (void)user_data;
    count(&frees);
}

static void on_acquired(void *user_data, gocore_etcd_status status, gocore_etcd_lock *lock, gocore_etcd_error *err)
{
    (void)user_data;
    CHECK((lock != NULL) == (status == GOCORE_ETCD_STATUS_OK) && (err != NULL) == (lock == NULL));
    CHECK(err == NULL || strstr(gocore_etcd_error_message(err), "asked for by a test") != NULL);
    came_to = status;
    gocore_etcd_lock_free(lock);
    gocore_etcd_error_free(err);
    count(&calls);
}

static void on_lost(void *user_data)
{
    (void)user_data;
    count(&calls);
}

static void until(int wanted_calls, int wanted_frees)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 30;
    pthread_mutex_lock(&mutex);
    while (calls < wanted_calls || frees < wanted_frees)
        CHECK(pthread_cond_timedwait(&changed, &mutex, &limit) == 0);
    CHECK(calls == wanted_calls && frees == wanted_frees);
    pthread_mutex_unlock(&mutex);
}

static void in_a_get(gocore_etcd_client *client)
{
    gocore_etcd_kv_entry *entry = NULL;
    gocore_etcd_error *err;
    CHECK(gocore_etcd_kv_get(client, "k", 1, NULL, 0, &entry, &err) == GOCORE_ETCD_STATUS_INTERNAL);
    CHECK(entry == NULL && strstr(gocore_etcd_error_message(err), "asked for by a test") != NULL);
    CHECK(!gocore_etcd_error_retryable(err));
    gocore_etcd_error_free(err);
}

static void in_connecting(char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *client = NULL;
    config.endpoints = (const char *const *)(argv + 1);
    config.endpoints_len = 1;
    EXPECT(INTERNAL, gocore_etcd_client_connect(&config, &client, &err));
    CHECK(client == NULL);
}

/* The callback runs all the same, once, and says what happened. */
static void in_an_acquisition(gocore_etcd_client *client)
{
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "panic", NULL, 0, NULL, on_acquired, NULL, on_free, &err));
    until(1, 1);
    CHECK(came_to == GOCORE_ETCD_STATUS_INTERNAL);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "panic", NULL, 20000, NULL, on_acquired, NULL, on_free, &err));
    until(2, 2);
    CHECK(came_to == GOCORE_ETCD_STATUS_OK);
}

/* The subscription ends: user_data comes back, and nobody waits for ever for its end. */
static void in_a_subscription(gocore_etcd_client *client)
{
    gocore_etcd_range_options below = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_subscription *subscription, *next;
    gocore_etcd_lock *lock;
    EXPECT(OK, gocore_etcd_lock_acquire(client, "panic", NULL, 0, NULL, &lock, &err));
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, NULL, on_free, &subscription, &err));
    below.scope = GOCORE_ETCD_SCOPE_PREFIX;
    EXPECT(OK, gocore_etcd_kv_delete(client, "/go-core/locks/panic/", 21, &below, 0, NULL, &err));
    until(0, 1);
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(subscription, 10000, &err));
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, NULL, on_free, &next, &err));
    until(1, 2);
    gocore_etcd_subscription_free(subscription);
    gocore_etcd_subscription_free(next);
    gocore_etcd_lock_free(lock);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    gocore_etcd_kv_entry *entry;

    CHECK(argc == 3);
    if (strcmp(argv[2], "client.connect@entry") == 0)
        in_connecting(argv);
    client = connect_to(argv);
    if (strncmp(argv[2], "kv.get@", 7) == 0)
        in_a_get(client);
    else if (strncmp(argv[2], "lock.", 5) == 0)
        in_an_acquisition(client);
    else if (strcmp(argv[2], "subscription@callback") == 0)
        in_a_subscription(client);
    EXPECT(OK, gocore_etcd_kv_put(client, "k", 1, "v", 1, NULL, 0, NULL, &err));
    EXPECT(OK, gocore_etcd_kv_get(client, "k", 1, NULL, 0, &entry, &err));
    gocore_etcd_kv_entry_free(entry);
    close_and_free(client);
    return 0;
}
