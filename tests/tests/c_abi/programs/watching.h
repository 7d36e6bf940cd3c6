/* A watch under test: it checks the order of what it is told, and keeps the picture that a program would make of it. */
#ifndef WATCHING_H
#define WATCHING_H

#include "check.h"

#include <pthread.h>
#include <time.h>

/* Keys end in five digits, which are their place in a picture. */
#define PLACES 10000

struct watcher {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int calls, frees, snapshots, changes, coalesced;
    int64_t revision;
    /* The revision at which each key was last put; 0: it is not there. */
    int64_t picture[PLACES];
    /* What the callback does first, when it is not NULL. */
    void (*act)(struct watcher *, const gocore_etcd_kv_update *);
    gocore_etcd_client *client;
    gocore_etcd_subscription *subscription;
    pthread_t thread;
    int inside;
};

static inline void watcher_init(struct watcher *w, gocore_etcd_client *client,
                                void (*act)(struct watcher *, const gocore_etcd_kv_update *))
{
    memset(w, 0, sizeof *w);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->changed, NULL);
    w->client = client;
    w->act = act;
}

static inline int place(const uint8_t *key, size_t len)
{
    char digits[6] = "";
    CHECK(key != NULL && len >= 5);
    memcpy(digits, key + len - 5, 5);
    return atoi(digits);
}

static inline int64_t *place_of(struct watcher *w, const gocore_etcd_kv_entry *entry)
{
    size_t len;
    const uint8_t *key = gocore_etcd_kv_entry_key(entry, &len);
    return &w->picture[place(key, len)];
}

static inline void draw_snapshot(struct watcher *w, const gocore_etcd_kv_update *update)
{
    size_t n, len = gocore_etcd_kv_update_len(update);
    w->snapshots++;
    memset(w->picture, 0, sizeof w->picture);
    for (n = 0; n < len; n++) {
        const gocore_etcd_kv_entry *entry = gocore_etcd_kv_update_entry(update, n);
        CHECK(gocore_etcd_kv_entry_mod_revision(entry) <= gocore_etcd_kv_update_revision(update));
        *place_of(w, entry) = gocore_etcd_kv_entry_mod_revision(entry);
    }
}

static inline void draw_changes(struct watcher *w, const gocore_etcd_kv_update *update)
{
    size_t n, len = gocore_etcd_kv_update_len(update), key_len;
    CHECK(w->snapshots > 0 && len > 0);
    w->coalesced += gocore_etcd_kv_update_coalesced(update);
    for (n = 0; n < len; n++) {
        const gocore_etcd_kv_entry *entry = gocore_etcd_kv_update_entry(update, n);
        const uint8_t *deleted = gocore_etcd_kv_update_deleted(update, n, &key_len);
        w->changes++;
        if (gocore_etcd_kv_update_change(update, n) == GOCORE_ETCD_CHANGE_PUT) {
            CHECK(deleted == NULL && key_len == 0);
            CHECK(gocore_etcd_kv_entry_mod_revision(entry) == gocore_etcd_kv_update_revision(update));
            *place_of(w, entry) = gocore_etcd_kv_entry_mod_revision(entry);
        } else {
            CHECK(gocore_etcd_kv_update_change(update, n) == GOCORE_ETCD_CHANGE_DELETE && entry == NULL);
            w->picture[place(deleted, key_len)] = 0;
        }
    }
}

static inline void on_update(void *user_data, const gocore_etcd_kv_update *update)
{
    struct watcher *w = user_data;
    int64_t revision = gocore_etcd_kv_update_revision(update);
    CHECK(__atomic_fetch_add(&w->inside, 1, __ATOMIC_SEQ_CST) == 0);
    CHECK(__atomic_load_n(&w->frees, __ATOMIC_SEQ_CST) == 0);
    if (w->act != NULL)
        w->act(w, update);
    pthread_mutex_lock(&w->mutex);
    w->calls++;
    w->thread = pthread_self();
    switch (gocore_etcd_kv_update_kind(update)) {
    case GOCORE_ETCD_UPDATE_SNAPSHOT:
        draw_snapshot(w, update);
        w->revision = revision;
        break;
    case GOCORE_ETCD_UPDATE_CHANGES:
        /* In order, and none twice. */
        CHECK(revision > w->revision);
        draw_changes(w, update);
        w->revision = revision;
        break;
    default:
        CHECK(gocore_etcd_kv_update_kind(update) == GOCORE_ETCD_UPDATE_CONNECTED);
        CHECK(revision == 0 && gocore_etcd_kv_update_len(update) == 0);
    }
    CHECK(__atomic_fetch_sub(&w->inside, 1, __ATOMIC_SEQ_CST) == 1);
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

static inline void on_watcher_free(void *user_data)
{
    struct watcher *w = user_data;
    pthread_mutex_lock(&w->mutex);
    w->frees++;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->mutex);
}

static inline void watch_prefix(struct watcher *w, const char *prefix)
{
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    EXPECT(OK, gocore_etcd_kv_watch(w->client, prefix, strlen(prefix), &options, on_update, w, on_watcher_free,
                                    &w->subscription, &err));
}

/* Waits until `*what` of a watcher is at least `least`. */
static inline void await_number(struct watcher *w, const void *what, size_t size, int64_t least)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 120;
    pthread_mutex_lock(&w->mutex);
    while ((size == sizeof(int) ? *(const int *)what : *(const int64_t *)what) < least)
        CHECK(pthread_cond_timedwait(&w->changed, &w->mutex, &limit) == 0);
    pthread_mutex_unlock(&w->mutex);
}
#define UNTIL(w, field, least) await_number(w, &(w)->field, sizeof((w)->field), least)

/* Writes one key of a prefix; gives the revision. */
static inline int64_t put_place(gocore_etcd_client *client, const char *prefix, int place)
{
    char key[64];
    int64_t revision;
    snprintf(key, sizeof key, "%s%05d", prefix, place);
    EXPECT(OK, gocore_etcd_kv_put(client, key, strlen(key), "v", 1, NULL, 0, &revision, &err));
    return revision;
}

/* Writes a hundred keys of a prefix from `first` on, in one revision, each with a value of `size` bytes. */
static inline int64_t put_hundred(gocore_etcd_client *client, const char *prefix, int first, size_t size)
{
    static char value[4096];
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_txn_result *result;
    gocore_etcd_op ops[100];
    char keys[100][64];
    int64_t revision;
    int n;
    CHECK(size <= sizeof value);
    memset(ops, 0, sizeof ops);
    for (n = 0; n < 100; n++) {
        ops[n].kind = GOCORE_ETCD_OP_PUT;
        ops[n].key = keys[n];
        ops[n].key_len = (size_t)snprintf(keys[n], sizeof keys[n], "%s%05d", prefix, first + n);
        ops[n].value = value;
        ops[n].value_len = size;
    }
    txn.then_ops = ops;
    txn.then_ops_len = 100;
    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 60000, &result, &err));
    revision = gocore_etcd_txn_result_revision(result);
    gocore_etcd_txn_result_free(result);
    return revision;
}

/* Deletes what a prefix holds. */
static inline void clear(gocore_etcd_client *client, const char *prefix)
{
    gocore_etcd_range_options below = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    below.scope = GOCORE_ETCD_SCOPE_PREFIX;
    EXPECT(OK, gocore_etcd_kv_delete(client, prefix, strlen(prefix), &below, 0, NULL, &err));
}

/* The picture is what the store holds. */
static inline void picture_is_true(struct watcher *w, gocore_etcd_client *client, const char *prefix)
{
    gocore_etcd_range_options all = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_kv_listing *listing;
    size_t n, there = 0;
    all.scope = GOCORE_ETCD_SCOPE_PREFIX;
    all.content = GOCORE_ETCD_CONTENT_KEYS;
    EXPECT(OK, gocore_etcd_kv_list(client, prefix, strlen(prefix), &all, 60000, &listing, &err));
    pthread_mutex_lock(&w->mutex);
    for (n = 0; n < gocore_etcd_kv_listing_len(listing); n++) {
        const gocore_etcd_kv_entry *entry = gocore_etcd_kv_listing_entry(listing, n);
        CHECK(*place_of(w, entry) == gocore_etcd_kv_entry_mod_revision(entry));
    }
    for (n = 0; n < PLACES; n++)
        there += w->picture[n] != 0;
    CHECK(there == gocore_etcd_kv_listing_len(listing));
    pthread_mutex_unlock(&w->mutex);
    gocore_etcd_kv_listing_free(listing);
}

/* Cancels, waits, frees; user_free has run once. */
static inline void end_watch(struct watcher *w)
{
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(w->subscription, 0, &err));
    CHECK(w->frees == 1);
    gocore_etcd_subscription_free(w->subscription);
}

#endif
