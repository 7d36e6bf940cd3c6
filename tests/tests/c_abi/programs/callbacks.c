/* Callbacks: every rule of the header's page, each with its user_free counted. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

/* What a callback is given: it counts, and does what the test wants. */
struct seen {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls, frees;
    gocore_etcd_status status;
    gocore_etcd_lock *lock;
    /* What the callback does, when it is not NULL. */
    void (*act)(struct seen *);
    gocore_etcd_client *client;
    gocore_etcd_subscription *subscription;
    pthread_t thread;
};

static void init(struct seen *seen, gocore_etcd_client *client, void (*act)(struct seen *))
{
    memset(seen, 0, sizeof *seen);
    pthread_mutex_init(&seen->mutex, NULL);
    pthread_cond_init(&seen->changed, NULL);
    seen->client = client;
    seen->act = act;
}

static void called(struct seen *seen)
{
    if (seen->act != NULL)
        seen->act(seen);
    pthread_mutex_lock(&seen->mutex);
    CHECK(seen->frees == 0);
    seen->calls++;
    seen->thread = pthread_self();
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->mutex);
}

static void on_lost(void *user_data)
{
    called(user_data);
}

static void on_acquired(void *user_data, gocore_etcd_status status, gocore_etcd_lock *lock, gocore_etcd_error *err)
{
    struct seen *seen = user_data;
    CHECK((lock != NULL) == (status == GOCORE_ETCD_STATUS_OK) && (err == NULL) == (lock != NULL));
    CHECK(err == NULL || gocore_etcd_error_status(err) == status);
    gocore_etcd_error_free(err);
    seen->status = status;
    seen->lock = lock;
    called(seen);
}

static void on_free(void *user_data)
{
    struct seen *seen = user_data;
    pthread_mutex_lock(&seen->mutex);
    seen->frees++;
    pthread_cond_broadcast(&seen->changed);
    pthread_mutex_unlock(&seen->mutex);
}

static void until(struct seen *seen, int calls, int frees)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 60;
    pthread_mutex_lock(&seen->mutex);
    while (seen->calls < calls || seen->frees < frees)
        CHECK(pthread_cond_timedwait(&seen->changed, &seen->mutex, &limit) == 0);
    CHECK(seen->calls == calls && seen->frees == frees);
    pthread_mutex_unlock(&seen->mutex);
}

static gocore_etcd_lock *acquire(gocore_etcd_client *client, const char *key, int64_t ttl_ms)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    options.ttl_ms = ttl_ms;
    EXPECT(OK, gocore_etcd_lock_acquire(client, key, &options, 20000, NULL, &lock, &err));
    return lock;
}

static void subscribe(gocore_etcd_lock *lock, struct seen *seen)
{
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, seen, on_free, &seen->subscription, &err));
    CHECK(seen->subscription != NULL);
}

static void unlock_and_free(gocore_etcd_lock *lock)
{
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    gocore_etcd_lock_free(lock);
}

/* Somebody deletes the keys under the lock, which so is lost. */
static void delete_keys(gocore_etcd_client *client, const gocore_etcd_lock *lock)
{
    gocore_etcd_range_options below = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    char prefix[256];
    uint64_t deleted;
    below.scope = GOCORE_ETCD_SCOPE_PREFIX;
    snprintf(prefix, sizeof prefix, "%s/", gocore_etcd_lock_key(lock));
    EXPECT(OK, gocore_etcd_kv_delete(client, prefix, strlen(prefix), &below, 0, &deleted, &err));
    CHECK(deleted == 1);
}

static void lose(gocore_etcd_client *client, gocore_etcd_lock *lock)
{
    delete_keys(client, lock);
    EXPECT(OK, gocore_etcd_lock_wait_lost(lock, 20000, NULL, &err));
}

static void lose_and_free(gocore_etcd_client *client, gocore_etcd_lock *lock)
{
    lose(client, lock);
    gocore_etcd_lock_free(lock);
}

/* Taking a lock without blocking, however it ends: one completion, one user_free. */
static void acquired_async(gocore_etcd_client *client)
{
    static const char *const no_names[] = {"", " ", "/", " // ", "\t/ "};
    struct seen first, expires, cancelled, refused;
    gocore_etcd_cancel_token *token = gocore_etcd_cancel_token_new();
    char long_name[1100];
    int n;

    init(&first, client, NULL);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "cb/a", NULL, 0, NULL, on_acquired, &first, on_free, &err));
    until(&first, 1, 1);
    CHECK(first.status == GOCORE_ETCD_STATUS_OK && gocore_etcd_lock_is_held(first.lock));

    init(&expires, client, NULL);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "cb/a", NULL, 100, NULL, on_acquired, &expires, on_free, &err));
    until(&expires, 1, 1);
    CHECK(expires.status == GOCORE_ETCD_STATUS_DEADLINE_EXCEEDED);

    init(&cancelled, client, NULL);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "cb/a", NULL, 0, token, on_acquired, &cancelled, on_free, &err));
    gocore_etcd_cancel_token_cancel(token);
    gocore_etcd_cancel_token_free(token);
    until(&cancelled, 1, 1);
    CHECK(cancelled.status == GOCORE_ETCD_STATUS_CANCELLED);

    /* A start that fails has given user_data back before it returns. */
    init(&refused, client, NULL);
    REFUSED("key", gocore_etcd_lock_acquire_async(client, NULL, NULL, 0, NULL, on_acquired, &refused, on_free, &err));
    until(&refused, 0, 1);
    REFUSED("callback", gocore_etcd_lock_acquire_async(client, "k", NULL, 0, NULL, NULL, &refused, on_free, &err));
    until(&refused, 0, 2);
    REFUSED("callback", gocore_etcd_lock_on_lost(first.lock, NULL, &refused, on_free, &refused.subscription, &err));
    until(&refused, 0, 3);
    REFUSED("subscription", gocore_etcd_lock_on_lost(first.lock, on_lost, &refused, on_free, NULL, &err));
    until(&refused, 0, 4);
    REFUSED("level", gocore_etcd_log_subscribe(0, NULL, &refused, on_free, &refused.subscription, &err));
    until(&refused, 0, 5);
    /* So is a name that is none: at once, and the callback never runs. */
    for (n = 0; n < 5; n++) {
        REFUSED("key", gocore_etcd_lock_acquire_async(client, no_names[n], NULL, 0, NULL, on_acquired, &refused, on_free,
                                                      &err));
        CHECK(refused.calls == 0 && refused.frees == 6 + n);
    }
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = 0;
    REFUSED("key", gocore_etcd_lock_acquire_async(client, long_name, NULL, 0, NULL, on_acquired, &refused, on_free, &err));
    CHECK(refused.calls == 0 && refused.frees == 11);
    unlock_and_free(first.lock);
}

static void heard_of_the_loss(gocore_etcd_client *client)
{
    struct seen lost, unlocked, freed, late, cancelled, plain;
    gocore_etcd_lock *lock = acquire(client, "cb/lost", 10000);

    init(&lost, client, NULL);
    init(&cancelled, client, NULL);
    init(&late, client, NULL);
    subscribe(lock, &lost);
    subscribe(lock, &cancelled);
    gocore_etcd_subscription_cancel(cancelled.subscription);
    gocore_etcd_subscription_cancel(cancelled.subscription);
    until(&cancelled, 0, 1);
    gocore_etcd_subscription_free(cancelled.subscription);
    lose(client, lock);
    until(&lost, 1, 1);
    CHECK(!pthread_equal(lost.thread, pthread_self()));
    gocore_etcd_subscription_free(lost.subscription);
    subscribe(lock, &late);
    until(&late, 1, 1);
    gocore_etcd_lock_free(lock);
    gocore_etcd_subscription_free(late.subscription);
    CHECK(cancelled.calls == 0 && cancelled.frees == 1);

    /* The subscription does not keep the lock held, and a lock that is given back is not lost. */
    lock = acquire(client, "cb/lost", 10000);
    init(&unlocked, client, NULL);
    subscribe(lock, &unlocked);
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    until(&unlocked, 0, 1);
    gocore_etcd_lock_free(lock);
    gocore_etcd_subscription_free(unlocked.subscription);
    lock = acquire(client, "cb/lost", 10000);
    init(&freed, client, NULL);
    init(&plain, client, NULL);
    subscribe(lock, &freed);
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, &plain, NULL, &plain.subscription, &err));
    gocore_etcd_lock_free(lock);
    until(&freed, 0, 1);
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(freed.subscription, 0, &err));
    gocore_etcd_subscription_free(freed.subscription);
    gocore_etcd_subscription_free(plain.subscription);
    gocore_etcd_subscription_free(NULL);
    gocore_etcd_subscription_cancel(NULL);
}

static void frees_its_own(struct seen *seen)
{
    gocore_etcd_subscription_free(seen->subscription);
}

/* Blocking calls are allowed; waiting for oneself is not. */
static void uses_everything(struct seen *seen)
{
    gocore_etcd_lock *lock = acquire(seen->client, "cb/inside", 10000);
    EXPECT(OK, gocore_etcd_kv_put(seen->client, "/cb", 3, "v", 1, NULL, 0, NULL, &err));
    unlock_and_free(lock);
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(seen->subscription, 1000, &err));
}

static void inside(gocore_etcd_client *client)
{
    struct seen own, user, one, two;
    gocore_etcd_lock *lock = acquire(client, "cb/own", 10000);
    init(&own, client, frees_its_own);
    init(&user, client, uses_everything);
    subscribe(lock, &own);
    subscribe(lock, &user);
    lose_and_free(client, lock);
    until(&own, 1, 1);
    until(&user, 1, 1);
    gocore_etcd_subscription_free(user.subscription);

    /* Two that free each other's: neither waits for the other, and each user_free runs once. */
    lock = acquire(client, "cb/own", 10000);
    init(&one, client, frees_its_own);
    init(&two, client, frees_its_own);
    subscribe(lock, &one);
    subscribe(lock, &two);
    {
        gocore_etcd_subscription *swap = one.subscription;
        one.subscription = two.subscription;
        two.subscription = swap;
    }
    lose_and_free(client, lock);
    pthread_mutex_lock(&one.mutex);
    while (one.frees == 0)
        pthread_cond_wait(&one.changed, &one.mutex);
    pthread_mutex_unlock(&one.mutex);
    pthread_mutex_lock(&two.mutex);
    while (two.frees == 0)
        pthread_cond_wait(&two.changed, &two.mutex);
    pthread_mutex_unlock(&two.mutex);
    /* The quicker one may have cancelled the other before it began. */
    CHECK(one.calls + two.calls >= 1 && one.frees == 1 && two.frees == 1);
    if (one.calls == 0)
        gocore_etcd_subscription_free(one.subscription);
    if (two.calls == 0)
        gocore_etcd_subscription_free(two.subscription);
}

static void on_free_waiting(void *user_data)
{
    struct seen *seen = user_data;
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(seen->subscription, 0, &err));
    on_free(user_data);
}

/* So it is inside `user_free`, on whatever thread that runs. */
static void inside_user_free(gocore_etcd_client *client)
{
    struct seen ended, lost;
    gocore_etcd_lock *lock = acquire(client, "cb/free", 10000);
    init(&ended, client, NULL);
    init(&lost, client, NULL);
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, &ended, on_free_waiting, &ended.subscription, &err));
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, &lost, on_free_waiting, &lost.subscription, &err));
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(ended.subscription, 0, &err));
    CHECK(ended.calls == 0 && ended.frees == 1);
    lose_and_free(client, lock);
    until(&lost, 1, 1);
    gocore_etcd_subscription_free(ended.subscription);
    gocore_etcd_subscription_free(lost.subscription);
}

static int slow_enough;

static void is_slow(struct seen *seen)
{
    (void)seen;
    while (!__atomic_load_n(&slow_enough, __ATOMIC_RELAXED))
        usleep(1000);
}

/* A slow callback delays nobody: a lock with a short TTL stays held, other callbacks run. */
static void slow(gocore_etcd_client *client)
{
    struct seen slowly, quick;
    gocore_etcd_lock *held = acquire(client, "cb/held", 2000), *lock;
    time_t began = time(NULL);

    init(&slowly, client, is_slow);
    lock = acquire(client, "cb/slow", 10000);
    subscribe(lock, &slowly);
    lose_and_free(client, lock);
    while (time(NULL) - began < 5) {
        lock = acquire(client, "cb/quick", 10000);
        init(&quick, client, NULL);
        subscribe(lock, &quick);
        lose_and_free(client, lock);
        until(&quick, 1, 1);
        gocore_etcd_subscription_free(quick.subscription);
        CHECK(gocore_etcd_lock_is_held(held));
    }
    CHECK(slowly.calls == 0);
    /* Cancelling never waits; _cancel_wait does, until user_free has run. */
    gocore_etcd_subscription_cancel(slowly.subscription);
    EXPECT(DEADLINE_EXCEEDED, gocore_etcd_subscription_cancel_wait(slowly.subscription, 1, &err));
    CHECK(slowly.calls == 0 && slowly.frees == 0);
    __atomic_store_n(&slow_enough, 1, __ATOMIC_RELAXED);
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(slowly.subscription, 0, &err));
    CHECK(slowly.calls == 1 && slowly.frees == 1);
    gocore_etcd_subscription_free(slowly.subscription);
    CHECK(gocore_etcd_lock_is_held(held));
    gocore_etcd_lock_free(held);
}

static void on_log(void *user_data, const gocore_etcd_log_record *record)
{
    struct seen *seen = user_data;
    CHECK(gocore_etcd_log_record_level(record) <= GOCORE_ETCD_LOG_INFO);
    CHECK(strncmp(gocore_etcd_log_record_target(record), "gocore_etcd", 11) == 0);
    CHECK(gocore_etcd_log_record_dropped(record) == 0);
    if (strstr(gocore_etcd_log_record_message(record), "connected prefix=") != NULL && seen->calls == 0)
        called(seen);
}

static void logged(char **argv)
{
    struct seen seen;
    init(&seen, NULL, NULL);
    EXPECT(OK, gocore_etcd_log_subscribe(GOCORE_ETCD_LOG_INFO, on_log, &seen, on_free, &seen.subscription, &err));
    close_and_free(connect_to(argv));
    until(&seen, 1, 0);
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(seen.subscription, 0, &err));
    CHECK(seen.frees == 1);
    gocore_etcd_subscription_free(seen.subscription);
}

/* Closing inside a callback waits for etcd, not for the callback it is in. */
static void closes(struct seen *seen)
{
    EXPECT(OK, gocore_etcd_client_close(seen->client, 0, &err));
}

/* Closing completes what is under way and waits for its callbacks. */
static void closed(char **argv, gocore_etcd_client *other)
{
    struct seen waiting, lost, late;
    gocore_etcd_client *client = connect_to(argv);
    gocore_etcd_lock *theirs = acquire(other, "cb/theirs", 10000), *lock = acquire(client, "cb/mine", 10000);

    init(&waiting, client, NULL);
    init(&lost, client, NULL);
    subscribe(lock, &lost);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "cb/theirs", NULL, 0, NULL, on_acquired, &waiting, on_free, &err));
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    CHECK(waiting.calls == 1 && waiting.frees == 1 && waiting.status == GOCORE_ETCD_STATUS_CLOSED);
    CHECK(lost.calls == 0 && lost.frees == 1);
    /* What is started then is refused at once. */
    init(&late, client, NULL);
    EXPECT(CLOSED, gocore_etcd_lock_acquire_async(client, "cb/mine", NULL, 0, NULL, on_acquired, &late, on_free, &err));
    CHECK(late.calls == 0 && late.frees == 1);
    gocore_etcd_client_free(client);
    gocore_etcd_lock_free(lock);
    gocore_etcd_subscription_free(lost.subscription);
    unlock_and_free(theirs);

    client = connect_to(argv);
    lock = acquire(client, "cb/mine", 10000);
    init(&lost, client, closes);
    subscribe(lock, &lost);
    delete_keys(other, lock);
    until(&lost, 1, 1);
    gocore_etcd_lock_free(lock);
    EXPECT(CLOSED, gocore_etcd_kv_put(client, "k", 1, "v", 1, NULL, 0, NULL, &err));
    gocore_etcd_client_free(client);
    gocore_etcd_subscription_free(lost.subscription);
}

/* A plain poll loop: callbacks run here and nowhere else. */
static void dispatched(char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *client, *threaded = connect_to(argv);
    struct seen acquired, lost, late;
    struct pollfd poll_fd;
    size_t count = 7, all = 0;

    EXPECT(WRONG_CONTEXT, gocore_etcd_client_dispatch(threaded, 0, 0, &count, &err));
    CHECK(count == 0 && gocore_etcd_client_dispatch_fd(threaded) == -1);
    close_and_free(threaded);

    config.endpoints = (const char *const *)(argv + 1);
    config.endpoints_len = 1;
    config.dial_timeout_ms = 60000;
    config.callbacks = GOCORE_ETCD_CALLBACKS_DISPATCH;
    EXPECT(OK, gocore_etcd_client_connect(&config, &client, &err));
    poll_fd.fd = gocore_etcd_client_dispatch_fd(client);
    poll_fd.events = POLLIN;
    CHECK(poll_fd.fd >= 0 && poll(&poll_fd, 1, 0) == 0);
    EXPECT(OK, gocore_etcd_client_dispatch(client, 0, 0, &count, &err));
    CHECK(count == 0);

    init(&acquired, client, NULL);
    init(&lost, client, NULL);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "cb/d", NULL, 0, NULL, on_acquired, &acquired, on_free, &err));
    CHECK(poll(&poll_fd, 1, 30000) == 1 && acquired.calls == 0);
    EXPECT(OK, gocore_etcd_client_dispatch(client, 1, 0, &count, &err));
    CHECK(count == 1 && acquired.calls == 1 && acquired.frees == 1 && pthread_equal(acquired.thread, pthread_self()));
    CHECK(poll(&poll_fd, 1, 0) == 0);

    subscribe(acquired.lock, &lost);
    lose_and_free(client, acquired.lock);
    while (lost.frees == 0) {
        EXPECT(OK, gocore_etcd_client_dispatch(client, 0, 10000, &count, &err));
        all += count;
    }
    CHECK(lost.calls == 1 && all == 1 && pthread_equal(lost.thread, pthread_self()));
    gocore_etcd_subscription_free(lost.subscription);

    /* Nobody dispatches any more: what is still to come runs on threads of the library. */
    init(&late, client, NULL);
    EXPECT(OK, gocore_etcd_lock_acquire_async(client, "cb/d", NULL, 0, NULL, on_acquired, &late, on_free, &err));
    gocore_etcd_client_free(client);
    until(&late, 1, 1);
    CHECK(late.status == GOCORE_ETCD_STATUS_OK);
    unlock_and_free(late.lock);
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    CHECK(argc > 1);
    logged(argv);
    client = connect_to(argv);
    acquired_async(client);
    heard_of_the_loss(client);
    inside(client);
    inside_user_free(client);
    closed(argv, client);
    dispatched(argv);
    slow(client);
    close_and_free(client);
    return 0;
}
