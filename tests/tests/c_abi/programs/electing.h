/* What the programs about elections share: candidates, and observers that keep what they are told. */
#ifndef ELECTING_H
#define ELECTING_H

#include "check.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

static inline gocore_etcd_leadership *campaign(gocore_etcd_client *client, const char *key, const char *identity)
{
    gocore_etcd_election_options options = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    gocore_etcd_leadership *leadership;
    options.ttl_ms = 10000;
    EXPECT(OK, gocore_etcd_election_campaign(client, key, identity, &options, 20000, NULL, &leadership, &err));
    CHECK(gocore_etcd_leadership_is_leader(leadership) && gocore_etcd_leadership_token(leadership) > 0);
    return leadership;
}

static inline gocore_etcd_kv_listing *queue(gocore_etcd_client *client, const char *key)
{
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_kv_listing *listing;
    char prefix[100];
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    options.order = GOCORE_ETCD_ORDER_OLDEST_CREATED;
    snprintf(prefix, sizeof prefix, "/go-core/elections/%s/", key);
    EXPECT(OK, gocore_etcd_kv_list(client, prefix, strlen(prefix), &options, 0, &listing, &err));
    return listing;
}

/* How many are candidates for a key. */
static inline uint64_t candidates(gocore_etcd_client *client, const char *key)
{
    gocore_etcd_kv_listing *listing = queue(client, key);
    uint64_t count = gocore_etcd_kv_listing_count(listing);
    gocore_etcd_kv_listing_free(listing);
    return count;
}

static inline void until_candidates(gocore_etcd_client *client, const char *key, uint64_t count)
{
    int n;
    for (n = 0; n < 2000 && candidates(client, key) != count; n++)
        usleep(10000);
    CHECK(candidates(client, key) == count);
}

/* Somebody deletes the leader's key. */
static inline void depose(gocore_etcd_client *client, const char *key)
{
    gocore_etcd_kv_listing *listing = queue(client, key);
    uint64_t deleted;
    size_t len;
    const uint8_t *first = gocore_etcd_kv_entry_key(gocore_etcd_kv_listing_entry(listing, 0), &len);
    CHECK(first != NULL);
    EXPECT(OK, gocore_etcd_kv_delete(client, first, len, NULL, 0, &deleted, &err));
    CHECK(deleted == 1);
    gocore_etcd_kv_listing_free(listing);
}

/* Its own key is watched once it is held for longer than a moment: only then a delete is seen. */
static inline void settle(void) { usleep(300000); }

/* What a callback was told, and how often it was given back. */
struct story {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int told, freed, problems, inside;
    /* The last 64; `token` 0: nobody leads. */
    int64_t token[64];
    int64_t revision[64];
    char identity[64][40];
    int state[64];
    uint64_t place[64];
};

static inline void story_init(struct story *story)
{
    memset(story, 0, sizeof *story);
    pthread_mutex_init(&story->mutex, NULL);
    pthread_cond_init(&story->changed, NULL);
}

static inline void story_next(struct story *story)
{
    CHECK(++story->told < 64 && story->freed == 0);
    pthread_cond_broadcast(&story->changed);
    pthread_mutex_unlock(&story->mutex);
}

static inline void on_story_free(void *user_data)
{
    struct story *story = user_data;
    pthread_mutex_lock(&story->mutex);
    story->freed++;
    pthread_cond_broadcast(&story->changed);
    pthread_mutex_unlock(&story->mutex);
}

static inline void on_leader(void *user_data, const gocore_etcd_leader *leader, const gocore_etcd_error *problem)
{
    struct story *story = user_data;
    pthread_mutex_lock(&story->mutex);
    CHECK(leader == NULL || problem == NULL);
    if (problem != NULL) {
        CHECK(gocore_etcd_error_status(problem) == GOCORE_ETCD_STATUS_MALFORMED);
        CHECK(strstr(gocore_etcd_error_message(problem), "/go-core/elections/") != NULL);
        story->problems++;
    }
    story->token[story->told] = gocore_etcd_leader_token(leader);
    story->revision[story->told] = gocore_etcd_leader_revision(leader);
    if (leader != NULL) {
        size_t len;
        const char *identity = gocore_etcd_leader_identity(leader, &len);
        CHECK(strlen(identity) == len && len < 40);
        strcpy(story->identity[story->told], identity);
    }
    story_next(story);
}

static inline void await(struct story *story, const int *what, int least)
{
    struct timespec limit;
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += 120;
    pthread_mutex_lock(&story->mutex);
    while (*what < least)
        CHECK(pthread_cond_timedwait(&story->changed, &story->mutex, &limit) == 0);
    CHECK(*what == least);
    pthread_mutex_unlock(&story->mutex);
}

static inline gocore_etcd_subscription *observe(gocore_etcd_client *client, const char *key, struct story *story)
{
    gocore_etcd_subscription *subscription;
    story_init(story);
    EXPECT(OK, gocore_etcd_election_observe(client, key, on_leader, story, on_story_free, &subscription, &err));
    return subscription;
}

static inline void end_subscription(gocore_etcd_subscription *subscription, struct story *story)
{
    EXPECT(OK, gocore_etcd_subscription_cancel_wait(subscription, 0, &err));
    CHECK(story->freed == 1);
    gocore_etcd_subscription_free(subscription);
}

#endif
