/* Watches: what they tell and in which order, and every way in which they end, each with its user_free counted. */
#include "watching.h"

#include <dirent.h>
#include <poll.h>
#include <unistd.h>

/* The structs are large; there are enough of them for each test. */
static struct watcher one, two;
static gocore_etcd_kv_update *kept[8];
static int kept_len;

static void keeps(struct watcher *w, const gocore_etcd_kv_update *update)
{
    (void)w;
    if (gocore_etcd_kv_update_kind(update) != GOCORE_ETCD_UPDATE_CONNECTED && kept_len < 8)
        kept[kept_len++] = gocore_etcd_kv_update_clone(update);
}

/* First what there is, then every change; a clone is good for ever. */
static void told(char **argv)
{
    gocore_etcd_client *client = connect_to(argv);
    const gocore_etcd_kv_entry *entry;
    const uint8_t *bytes;
    int64_t put;
    size_t len;

    put_place(client, "/w/told/", 2);
    put = put_place(client, "/w/told/", 1);
    watcher_init(&one, client, keeps);
    watch_prefix(&one, "/w/told/");
    UNTIL(&one, snapshots, 1);
    put_place(client, "/w/tole", 1);
    put = put_place(client, "/w/told/", 3);
    clear(client, "/w/told/");
    UNTIL(&one, changes, 4);
    picture_is_true(&one, client, "/w/told/");
    end_watch(&one);
    close_and_free(client);

    CHECK(one.snapshots == 1 && one.coalesced == 0 && kept_len == 3);
    CHECK(gocore_etcd_kv_update_kind(kept[0]) == GOCORE_ETCD_UPDATE_SNAPSHOT);
    CHECK(gocore_etcd_kv_update_len(kept[0]) == 2 && gocore_etcd_kv_update_revision(kept[0]) < put);
    CHECK(gocore_etcd_kv_update_change(kept[0], 0) == 0 && gocore_etcd_kv_update_entry(kept[0], 2) == NULL);
    bytes = gocore_etcd_kv_entry_key(gocore_etcd_kv_update_entry(kept[0], 0), &len);
    CHECK(len == 13 && memcmp(bytes, "/w/told/00001", len) == 0);
    CHECK(!gocore_etcd_kv_update_connected(kept[0]) && !gocore_etcd_kv_update_coalesced(kept[0]));

    CHECK(gocore_etcd_kv_update_kind(kept[1]) == GOCORE_ETCD_UPDATE_CHANGES);
    CHECK(gocore_etcd_kv_update_len(kept[1]) == 1 && gocore_etcd_kv_update_revision(kept[1]) == put);
    entry = gocore_etcd_kv_update_entry(kept[1], 0);
    bytes = gocore_etcd_kv_entry_value(entry, &len);
    CHECK(len == 1 && bytes[0] == 'v' && gocore_etcd_kv_entry_version(entry) == 1);

    CHECK(gocore_etcd_kv_update_len(kept[2]) == 3 && gocore_etcd_kv_update_revision(kept[2]) == put + 1);
    bytes = gocore_etcd_kv_update_deleted(kept[2], 0, &len);
    CHECK(len == 13 && memcmp(bytes, "/w/told/0000", 12) == 0);
    CHECK(gocore_etcd_kv_update_deleted(kept[2], 0, NULL) == bytes);
    CHECK(gocore_etcd_kv_update_change(kept[2], 3) == 0);
    CHECK(gocore_etcd_kv_update_deleted(kept[2], 3, &len) == NULL && len == 0);
    while (kept_len > 0)
        gocore_etcd_kv_update_free(kept[--kept_len]);
}

/* One key, keys between two, a prefix of many pages; and what is refused, which gives user_data back. */
static void ranges(gocore_etcd_client *client)
{
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_subscription *none = (gocore_etcd_subscription *)&err_garbage;
    int n;

    put_hundred(client, "/w/few/", 0, 1);
    watcher_init(&one, client, NULL);
    EXPECT(OK, gocore_etcd_kv_watch(client, "/w/few/00007", 12, NULL, on_update, &one, on_watcher_free,
                                    &one.subscription, &err));
    watcher_init(&two, client, NULL);
    options.scope = GOCORE_ETCD_SCOPE_BETWEEN;
    options.end = "/w/few/00008";
    options.end_len = 12;
    EXPECT(OK, gocore_etcd_kv_watch(client, "/w/few/00006", 12, &options, on_update, &two, on_watcher_free,
                                    &two.subscription, &err));
    UNTIL(&one, snapshots, 1);
    UNTIL(&two, snapshots, 1);
    put_hundred(client, "/w/few/", 0, 1);
    UNTIL(&one, changes, 1);
    UNTIL(&two, changes, 2);
    end_watch(&one);
    end_watch(&two);
    CHECK(one.changes == 1 && one.picture[7] != 0 && one.picture[6] == 0);
    CHECK(two.changes == 2 && two.picture[6] == two.picture[7] && two.picture[8] == 0 && two.picture[5] == 0);

    for (n = 0; n < 25; n++)
        put_hundred(client, "/w/many/", n * 100, 1);
    watcher_init(&one, client, NULL);
    watch_prefix(&one, "/w/many/");
    UNTIL(&one, snapshots, 1);
    CHECK(one.picture[0] != 0 && one.picture[2499] != 0);
    picture_is_true(&one, client, "/w/many/");
    end_watch(&one);
    clear(client, "/w/many/");

    watcher_init(&one, client, NULL);
#define WATCH(client, key, len, options, callback, subscription)                                                       \
    gocore_etcd_kv_watch(client, key, len, options, callback, &one, on_watcher_free, subscription, &err)
    REFUSED("client", WATCH(NULL, "k", 1, NULL, on_update, &none));
    CHECK(none == NULL && one.frees == 1);
    REFUSED("subscription", WATCH(client, "k", 1, NULL, on_update, NULL));
    CHECK(one.frees == 2);
    REFUSED("callback", WATCH(client, "k", 1, NULL, NULL, &none));
    REFUSED("key", WATCH(client, "", 0, NULL, on_update, &none));
    REFUSED("key", WATCH(client, NULL, 1, NULL, on_update, &none));
    REFUSED("end", WATCH(client, "zz", 2, &options, on_update, &none));
    options.limit = 5;
    REFUSED("options.limit", WATCH(client, "/w", 2, &options, on_update, &none));
    options.limit = 0;
    options.scope = 7;
    REFUSED("options.scope", WATCH(client, "/w", 2, &options, on_update, &none));
    options.struct_size = 3;
    REFUSED("options", WATCH(client, "/w", 2, &options, on_update, &none));
    CHECK(one.frees == 9 && one.calls == 0);
}

static void frees_its_own(struct watcher *w, const gocore_etcd_kv_update *update)
{
    (void)update;
    /* It was written before the first callback. */
    CHECK(w->subscription != NULL);
    gocore_etcd_subscription_free(w->subscription);
    w->subscription = NULL;
}

/* Whoever gets it frees it. */
static gocore_etcd_subscription *take_subscription(struct watcher *w)
{
    return __atomic_exchange_n(&w->subscription, NULL, __ATOMIC_SEQ_CST);
}

static void frees_the_other(struct watcher *w, const gocore_etcd_kv_update *update)
{
    if (gocore_etcd_kv_update_kind(update) == GOCORE_ETCD_UPDATE_CHANGES)
        gocore_etcd_subscription_free(take_subscription(w == &one ? &two : &one));
}

/* Blocking calls are allowed; waiting for oneself is not. */
static void uses_everything(struct watcher *w, const gocore_etcd_kv_update *update)
{
    gocore_etcd_lock *lock;
    if (gocore_etcd_kv_update_kind(update) != GOCORE_ETCD_UPDATE_CHANGES)
        return;
    EXPECT(OK, gocore_etcd_lock_acquire(w->client, "w/inside", NULL, 20000, NULL, &lock, &err));
    EXPECT(OK, gocore_etcd_lock_unlock(lock, 0, &err));
    gocore_etcd_lock_free(lock);
    EXPECT(WRONG_CONTEXT, gocore_etcd_subscription_cancel_wait(w->subscription, 1000, &err));
    if (w->changes < 3)
        put_place(w->client, "/w/inside/", w->changes);
}

static void inside(gocore_etcd_client *client)
{
    watcher_init(&one, client, frees_its_own);
    watch_prefix(&one, "/w/own/");
    UNTIL(&one, frees, 1);
    CHECK(one.calls == 1 && one.frees == 1);

    watcher_init(&one, client, frees_the_other);
    watcher_init(&two, client, frees_the_other);
    watch_prefix(&one, "/w/each/");
    watch_prefix(&two, "/w/each/");
    UNTIL(&one, snapshots, 1);
    UNTIL(&two, snapshots, 1);
    put_place(client, "/w/each/", 1);
    /* At least one of them ends the other; the quicker one may have done so before that began. */
    while (__atomic_load_n(&one.frees, __ATOMIC_SEQ_CST) + __atomic_load_n(&two.frees, __ATOMIC_SEQ_CST) == 0)
        usleep(1000);
    gocore_etcd_subscription_free(take_subscription(&one));
    gocore_etcd_subscription_free(take_subscription(&two));
    UNTIL(&one, frees, 1);
    UNTIL(&two, frees, 1);
    CHECK(one.changes + two.changes >= 1 && one.frees == 1 && two.frees == 1);

    watcher_init(&one, client, uses_everything);
    watch_prefix(&one, "/w/inside/");
    UNTIL(&one, snapshots, 1);
    put_place(client, "/w/inside/", 9);
    UNTIL(&one, changes, 4);
    end_watch(&one);
}

static int stop_writing;

static void *writes(void *argument)
{
    gocore_etcd_client *client = argument;
    int n;
    for (n = 0; !__atomic_load_n(&stop_writing, __ATOMIC_SEQ_CST); n++)
        put_place(client, "/w/race/", n % 10);
    return NULL;
}

/* From another thread, amid events: when cancel_wait returns all is over. */
static void cancelled(gocore_etcd_client *client)
{
    pthread_t writer;
    int n, calls;
    CHECK(pthread_create(&writer, NULL, writes, client) == 0);
    for (n = 0; n < 30; n++) {
        watcher_init(&one, client, NULL);
        watch_prefix(&one, "/w/race/");
        UNTIL(&one, changes, n);
        EXPECT(OK, gocore_etcd_subscription_cancel_wait(one.subscription, 0, &err));
        calls = one.calls;
        CHECK(one.frees == 1);
        EXPECT(OK, gocore_etcd_subscription_cancel_wait(one.subscription, 0, &err));
        put_place(client, "/w/race/", 1);
        gocore_etcd_subscription_free(one.subscription);
        CHECK(one.calls == calls && one.frees == 1 && one.inside == 0);
    }
    __atomic_store_n(&stop_writing, 1, __ATOMIC_SEQ_CST);
    pthread_join(writer, NULL);
}

/* The watch keeps alive what it needs of its client. */
static void outlives_the_handle(char **argv, gocore_etcd_client *other)
{
    gocore_etcd_client *client = connect_to(argv);
    watcher_init(&one, client, NULL);
    watch_prefix(&one, "/w/alone/");
    gocore_etcd_client_free(client);
    UNTIL(&one, snapshots, 1);
    put_place(other, "/w/alone/", 1);
    UNTIL(&one, changes, 1);
    gocore_etcd_subscription_free(one.subscription);
    UNTIL(&one, frees, 1);
}

static void is_slow(struct watcher *w, const gocore_etcd_kv_update *update)
{
    (void)w;
    if (gocore_etcd_kv_update_kind(update) == GOCORE_ETCD_UPDATE_CHANGES)
        usleep(300000);
}

/* Closing ends a watch and waits for the callback that runs; none begins afterwards. */
static void closed(char **argv, gocore_etcd_client *other)
{
    gocore_etcd_client *client = connect_to(argv);
    gocore_etcd_subscription *none = (gocore_etcd_subscription *)&err_garbage;
    int n, calls, changes;
    watcher_init(&one, client, is_slow);
    watcher_init(&two, client, NULL);
    watch_prefix(&one, "/w/close/");
    watch_prefix(&two, "/w/idle/");
    UNTIL(&one, snapshots, 1);
    UNTIL(&two, snapshots, 1);
    for (n = 0; n < 20; n++)
        put_place(other, "/w/close/", n);
    UNTIL(&one, changes, 1);
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    CHECK(one.frees == 1 && two.frees == 1 && one.inside == 0);
    calls = one.calls;
    changes = one.changes;
    EXPECT(CLOSED, gocore_etcd_kv_watch(client, "k", 1, NULL, on_update, &two, on_watcher_free, &none, &err));
    CHECK(two.frees == 2 && none == NULL);
    usleep(400000);
    CHECK(one.calls == calls && changes < 20);
    gocore_etcd_client_free(client);
    gocore_etcd_subscription_free(one.subscription);
    gocore_etcd_subscription_free(two.subscription);
}

static gocore_etcd_client *connect_dispatching(char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *client;
    config.endpoints = (const char *const *)(argv + 1);
    config.endpoints_len = 1;
    config.dial_timeout_ms = 60000;
    config.callbacks = GOCORE_ETCD_CALLBACKS_DISPATCH;
    EXPECT(OK, gocore_etcd_client_connect(&config, &client, &err));
    return client;
}

/* A poll loop of the application: the callbacks run there, one job a call; after closing only the end is left. */
static void dispatched(char **argv, gocore_etcd_client *other)
{
    gocore_etcd_client *client = connect_dispatching(argv);
    struct pollfd poll_fd;
    size_t count;
    int n, calls;

    poll_fd.fd = gocore_etcd_client_dispatch_fd(client);
    poll_fd.events = POLLIN;
    watcher_init(&one, client, NULL);
    watcher_init(&two, client, NULL);
    watch_prefix(&one, "/w/loop/");
    watch_prefix(&two, "/w/loop/");
    while (one.snapshots + two.snapshots < 2) {
        CHECK(poll(&poll_fd, 1, 60000) == 1);
        EXPECT(OK, gocore_etcd_client_dispatch(client, 1, 0, &count, &err));
        CHECK(count == 1);
    }
    for (n = 0; n < 50; n++)
        put_place(other, "/w/loop/", n);
    while (one.changes < 50 || two.changes < 50) {
        CHECK(poll(&poll_fd, 1, 60000) == 1);
        EXPECT(OK, gocore_etcd_client_dispatch(client, 0, 0, &count, &err));
        CHECK(count >= 1);
    }
    CHECK(pthread_equal(one.thread, pthread_self()) && pthread_equal(two.thread, pthread_self()));
    picture_is_true(&one, other, "/w/loop/");

    /* Cancelled without anybody dispatching: cancel_wait ends it here. */
    end_watch(&two);
    while (poll(&poll_fd, 1, 0) == 1)
        EXPECT(OK, gocore_etcd_client_dispatch(client, 0, 0, &count, &err));
    /* An update is due when the client is closed. */
    put_place(other, "/w/loop/", 50);
    CHECK(poll(&poll_fd, 1, 60000) == 1);
    calls = one.calls;
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    while (one.frees == 0)
        EXPECT(OK, gocore_etcd_client_dispatch(client, 0, 10000, &count, &err));
    CHECK(one.calls == calls && one.frees == 1);
    gocore_etcd_subscription_free(one.subscription);
    gocore_etcd_client_free(client);

    /* Nobody dispatches any more: what is to come runs on threads of the library. */
    client = connect_dispatching(argv);
    watcher_init(&one, client, NULL);
    watch_prefix(&one, "/w/loop/");
    gocore_etcd_client_free(client);
    UNTIL(&one, snapshots, 1);
    put_place(other, "/w/loop/", 51);
    UNTIL(&one, changes, 1);
    gocore_etcd_subscription_free(one.subscription);
    UNTIL(&one, frees, 1);
}

/* Whether a thread of this name runs. */
static int has_thread(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    int found = 0;
    CHECK(tasks != NULL);
    while ((task = readdir(tasks)) != NULL) {
        char path[300], comm[32] = "";
        FILE *file;
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        file = fopen(path, "r");
        if (file != NULL && fgets(comm, sizeof comm, file) != NULL) {
            comm[strcspn(comm, "\n")] = 0;
            found |= strcmp(comm, name) == 0;
        }
        if (file != NULL)
            fclose(file);
    }
    closedir(tasks);
    return found;
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    int n;
    CHECK(argc > 1);
    told(argv);
    client = connect_to(argv);
    ranges(client);
    inside(client);
    cancelled(client);
    outlives_the_handle(argv, client);
    closed(argv, client);
    dispatched(argv, client);
    watcher_init(&one, client, NULL);
    watch_prefix(&one, "/w/last/");
    UNTIL(&one, snapshots, 1);
    close_and_free(client);
    /* Nothing is left of all these watches but a handle: the runtime has ended with the last of them. */
    for (n = 0; has_thread("gocore-etcd") && n < 6000; n++)
        usleep(10000);
    CHECK(!has_thread("gocore-etcd") && one.frees == 1);
    gocore_etcd_subscription_free(one.subscription);
    return 0;
}
