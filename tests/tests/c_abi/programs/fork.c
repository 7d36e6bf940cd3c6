/* After a fork: the child is told so and can begin anew; the parent is not disturbed. The fork happens while other threads
 * are inside the library. */
#include "check.h"

#include <poll.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static gocore_etcd_client *client;
static gocore_etcd_lock *lock;
static gocore_etcd_subscription *subscription, *watch;
static gocore_etcd_cancel_token *token;
static int stop, freed, watched;

static void on_free(void *user_data)
{
    (void)user_data;
    freed++;
}

static void on_lost(void *user_data)
{
    (void)user_data;
}

static void on_update(void *user_data, const gocore_etcd_kv_update *update)
{
    (void)user_data;
    (void)update;
    __atomic_fetch_add(&watched, 1, __ATOMIC_RELAXED);
}

static void *busy(void *argument)
{
    (void)argument;
    while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
        gocore_etcd_kv_entry *entry;
        EXPECT(OK, gocore_etcd_kv_put(client, "/fork", 5, "v", 1, NULL, 0, NULL, &err));
        EXPECT(OK, gocore_etcd_kv_get(client, "/fork", 5, NULL, 0, &entry, &err));
        gocore_etcd_kv_entry_free(entry);
        gocore_etcd_cancel_token_is_cancelled(token);
    }
    return NULL;
}

static void in_the_child(char **argv)
{
    gocore_etcd_kv_entry *entry;
    gocore_etcd_lock *other;
    gocore_etcd_client *own;

    EXPECT(WRONG_CONTEXT, gocore_etcd_kv_get(client, "/fork", 5, NULL, 0, &entry, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_lock_acquire(client, "f2", NULL, 0, NULL, &other, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_lock_unlock(lock, 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_lock_wait_lost(lock, 0, NULL, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_client_close(client, 0, &err));
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(subscription, 0, &err));
    CHECK(!gocore_etcd_lock_is_held(lock) && gocore_etcd_lock_token(lock) > 0);
    gocore_etcd_cancel_token_cancel(token);
    gocore_etcd_subscription_cancel(subscription);
    gocore_etcd_subscription_free(subscription);
    gocore_etcd_subscription_free(watch);
    gocore_etcd_lock_free(lock);
    gocore_etcd_client_free(client);
    gocore_etcd_cancel_token_free(token);
    CHECK(freed == 0);

    /* A new client works here, with callbacks of its own, whatever the fork hit in the parent. */
    own = connect_to(argv);
    EXPECT(OK, gocore_etcd_kv_put(own, "/forked", 7, "v", 1, NULL, 0, NULL, &err));
    NO_ERROR(NOT_ACQUIRED, gocore_etcd_lock_try_acquire(own, "f", NULL, 0, &other, &err));
    EXPECT(OK, gocore_etcd_lock_acquire(own, "f2", NULL, 20000, NULL, &other, &err));
    EXPECT(OK, gocore_etcd_lock_on_lost(other, on_lost, NULL, on_free, &subscription, &err));
    gocore_etcd_lock_free(other);
    watched = 0;
    EXPECT(OK, gocore_etcd_kv_watch(own, "/fork", 5, NULL, on_update, NULL, on_free, &watch, &err));
    while (__atomic_load_n(&watched, __ATOMIC_RELAXED) == 0)
        usleep(1000);
    close_and_free(own);
    CHECK(freed == 2);
    gocore_etcd_subscription_free(subscription);
    gocore_etcd_subscription_free(watch);
}

static int ran;

static void forks(void *user_data, gocore_etcd_status status, gocore_etcd_lock *got, gocore_etcd_error *problem)
{
    pid_t *child = user_data;
    CHECK(status == GOCORE_ETCD_STATUS_OK && problem == NULL);
    ran++;
    *child = fork();
    if (*child == 0)
        alarm(60);
    gocore_etcd_lock_free(got);
}

static void runs(void *user_data, gocore_etcd_status status, gocore_etcd_lock *got, gocore_etcd_error *problem)
{
    (void)user_data;
    CHECK(status == GOCORE_ETCD_STATUS_OK && problem == NULL);
    ran++;
    gocore_etcd_lock_free(got);
}

/* A callback that is dispatched forks: in the child nothing more is dispatched, whatever was due, and the parent's queue
 * and descriptor are as they were. */
static void while_dispatching(char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *dispatching;
    struct pollfd readable;
    pid_t child = -1;
    size_t count;
    int status, n;

    config.endpoints = (const char *const *)(argv + 1);
    config.endpoints_len = 1;
    config.callbacks = GOCORE_ETCD_CALLBACKS_DISPATCH;
    EXPECT(OK, gocore_etcd_client_connect(&config, &dispatching, &err));
    readable.fd = gocore_etcd_client_dispatch_fd(dispatching);
    readable.events = POLLIN;
    EXPECT(OK, gocore_etcd_lock_acquire_async(dispatching, "fd/0", NULL, 0, NULL, forks, &child, NULL, &err));
    CHECK(poll(&readable, 1, 30000) == 1);
    for (n = 1; n < 3; n++) {
        gocore_etcd_lock *after;
        char name[] = "fd/0";
        name[3] = (char)('0' + n);
        EXPECT(OK, gocore_etcd_lock_acquire_async(dispatching, name, NULL, 0, NULL, runs, NULL, NULL, &err));
        /* Its answer most likely is here when this one is: two are due. */
        EXPECT(OK, gocore_etcd_lock_acquire(dispatching, "fd/after", NULL, 20000, NULL, &after, &err));
        gocore_etcd_lock_free(after);
    }
    EXPECT(OK, gocore_etcd_client_dispatch(dispatching, 0, 0, &count, &err));
    if (child == 0)
        exit(ran == 1 && count == 1 ? 0 : 1);
    CHECK(child > 0 && waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    while (ran < 3)
        EXPECT(OK, gocore_etcd_client_dispatch(dispatching, 0, 20000, &count, &err));
    CHECK(poll(&readable, 1, 0) == 0);
    EXPECT(OK, gocore_etcd_lock_acquire_async(dispatching, "fd/1", NULL, 0, NULL, runs, NULL, NULL, &err));
    CHECK(poll(&readable, 1, 30000) == 1);
    EXPECT(OK, gocore_etcd_client_dispatch(dispatching, 0, 0, &count, &err));
    CHECK(count == 1 && ran == 4);
    close_and_free(dispatching);
}

int main(int argc, char **argv)
{
    pthread_t threads[3];
    int n, status;

    CHECK(argc > 1);
    while_dispatching(argv);
    client = connect_to(argv);
    token = gocore_etcd_cancel_token_new();
    EXPECT(OK, gocore_etcd_lock_acquire(client, "f", NULL, 20000, NULL, &lock, &err));
    EXPECT(OK, gocore_etcd_lock_on_lost(lock, on_lost, NULL, on_free, &subscription, &err));
    EXPECT(OK, gocore_etcd_kv_watch(client, "/fork", 5, NULL, on_update, NULL, on_free, &watch, &err));
    for (n = 0; n < 3; n++)
        CHECK(pthread_create(&threads[n], NULL, busy, NULL) == 0);
    for (n = 0; n < 20; n++) {
        pid_t child;
        usleep(3000);
        child = fork();
        CHECK(child >= 0);
        if (child == 0) {
            alarm(60);
            in_the_child(argv);
            exit(0);
        }
        CHECK(waitpid(child, &status, 0) == child);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    stop = 1;
    for (n = 0; n < 3; n++)
        pthread_join(threads[n], NULL);
    CHECK(gocore_etcd_lock_is_held(lock) && freed == 0 && !gocore_etcd_cancel_token_is_cancelled(token));
    /* The watch goes on; while the others wrote it was called amid the forks. */
    CHECK(__atomic_load_n(&watched, __ATOMIC_RELAXED) > 100);
    watched = 0;
    EXPECT(OK, gocore_etcd_lock_put(lock, "/fork", 5, "v", 1, NULL, 0, NULL, &err));
    while (__atomic_load_n(&watched, __ATOMIC_RELAXED) == 0)
        usleep(1000);
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(subscription, 0, &err));
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(watch, 0, &err));
    CHECK(freed == 2);
    gocore_etcd_subscription_free(subscription);
    gocore_etcd_subscription_free(watch);
    gocore_etcd_lock_free(lock);
    gocore_etcd_cancel_token_free(token);
    close_and_free(client);
    return 0;
}
