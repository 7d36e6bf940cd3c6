/* The C agent's part in elections. */
#ifndef ELECT_H
#define ELECT_H

#include "say.h"
#include "stand.h"

static gocore_etcd_leadership *led;
static gocore_etcd_subscription *led_watching, *observing;
static struct stand standing;

static inline void leads(gocore_etcd_leadership *leadership, const char *identity)
{
    gocore_etcd_error *err;
    SAY("{\"event\":\"leading\",\"key\":\"%s\",\"identity\":%s,\"token\":%lld,\"at_ns\":%lld}",
        gocore_etcd_leadership_key(leadership), quoted(identity), (long long)gocore_etcd_leadership_token(leadership),
        now());
    gocore_etcd_subscription_free(led_watching);
    gocore_etcd_leadership_free(led);
    led = leadership;
    if (gocore_etcd_leadership_on_lost(led, on_lost, NULL, NULL, &led_watching, &err) != GOCORE_ETCD_STATUS_OK)
        failed("on_lost", err);
}

static inline void shown(const char *event, const gocore_etcd_leader *leader)
{
    if (leader == NULL)
        SAY("{\"event\":\"%s\",\"identity\":null,\"token\":null,\"revision\":null,\"at_ns\":%lld}", event, now());
    else
        SAY("{\"event\":\"%s\",\"identity\":%s,\"token\":%lld,\"revision\":%lld,\"at_ns\":%lld}", event,
            quoted(gocore_etcd_leader_identity(leader, NULL)), (long long)gocore_etcd_leader_token(leader),
            (long long)gocore_etcd_leader_revision(leader), now());
}

static inline void on_leader(void *user_data, const gocore_etcd_leader *leader, const gocore_etcd_error *problem)
{
    (void)user_data;
    if (problem != NULL)
        failed("observe", gocore_etcd_error_clone(problem));
    else
        shown("observed", leader);
}

static inline void no_leadership(const char *what)
{
    SAY("{\"event\":\"failed\",\"do\":\"%s\",\"kind\":\"Unknown\",\"message\":\"no leadership\"}", what);
}

/* Whether it is a command about elections; then it was obeyed. */
static inline int elect(const char *what, const char *key, const char *line)
{
    gocore_etcd_election_options options = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    gocore_etcd_leader *leader = NULL;
    gocore_etcd_leadership *won = NULL;
    gocore_etcd_error *err = NULL;
    char identity[1024], text[1024];

    options.ttl_ms = number_of(line, "ttl_ms");
    text_of(line, "identity", identity, sizeof identity);
    if (strcmp(what, "campaign") == 0) {
        SAY("{\"event\":\"campaigning\",\"key\":%s}", quoted(key));
        gocore_etcd_election_campaign(client, key, identity, &options, 0, NULL, &won, &err);
        if (won != NULL)
            leads(won, identity);
    } else if (strcmp(what, "is_leader") == 0) {
        SAY("{\"event\":\"leads\",\"leads\":%s,\"at_ns\":%lld}",
            gocore_etcd_leadership_is_leader(led) ? "true" : "false", now());
    } else if (strcmp(what, "lead_put") == 0) {
        int64_t revision;
        text_of(line, "value", text, sizeof text);
        if (guarded_put(led, key, text, &revision, &err))
            SAY("{\"event\":\"written\",\"revision\":%lld}", (long long)revision);
    } else if (strcmp(what, "proclaim") == 0) {
        if (led == NULL)
            no_leadership(what);
        else if (gocore_etcd_leadership_proclaim(led, identity, 0, &err) == GOCORE_ETCD_STATUS_OK)
            SAY("{\"event\":\"proclaimed\",\"at_ns\":%lld}", now());
    } else if (strcmp(what, "resign") == 0) {
        if (led == NULL)
            no_leadership(what);
        else if (gocore_etcd_leadership_resign(led, 0, &err) == GOCORE_ETCD_STATUS_OK)
            SAY("{\"event\":\"resigned\",\"at_ns\":%lld}", now());
    } else if (strcmp(what, "leader") == 0) {
        if (gocore_etcd_election_leader(client, key, 0, &leader, &err) == GOCORE_ETCD_STATUS_OK)
            shown("leader", leader);
        gocore_etcd_leader_free(leader);
    } else if (strcmp(what, "observe") == 0) {
        gocore_etcd_subscription_free(observing);
        gocore_etcd_election_observe(client, key, on_leader, NULL, NULL, &observing, &err);
    } else if (strcmp(what, "stand") == 0) {
        text_of(line, "journal", standing.journal, sizeof standing.journal);
        strcpy(standing.identity, identity);
        gocore_etcd_election_candidacy(client, key, identity, &options, on_standing, &standing, NULL,
                                       &standing.candidacy, &err);
    } else {
        return 0;
    }
    if (err != NULL)
        failed(what, err);
    return 1;
}

static inline void free_elections(void)
{
    gocore_etcd_subscription_free(observing);
    gocore_etcd_subscription_free(led_watching);
    gocore_etcd_leadership_free(led);
    gocore_etcd_candidacy_free(standing.candidacy);
}

#endif
