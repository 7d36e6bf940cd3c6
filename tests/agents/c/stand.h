/* The C agent leading whenever it can, and saying from when until when it believes to: as `lead` in
 * tests/src/bin/agent.rs. */
#ifndef STAND_H
#define STAND_H

#include "say.h"

/* A put that etcd itself judges: not gocore_etcd_leadership_put, which knows that the leadership is lost. */
static inline int guarded_put(const gocore_etcd_leadership *leadership, const char *key, const char *value,
                              int64_t *revision, gocore_etcd_error **err)
{
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_txn_result *result;
    gocore_etcd_op op;
    memset(&op, 0, sizeof op);
    op.kind = GOCORE_ETCD_OP_PUT;
    op.key = key;
    op.key_len = strlen(key);
    op.value = value;
    op.value_len = strlen(value);
    txn.then_ops = &op;
    txn.then_ops_len = 1;
    txn.leadership = leadership;
    if (gocore_etcd_kv_txn(client, &txn, 0, &result, err) != GOCORE_ETCD_STATUS_OK)
        return 0;
    *revision = gocore_etcd_txn_result_revision(result);
    gocore_etcd_txn_result_free(result);
    return 1;
}

/* One thing done beside the believing, which must not wait for it: at most one at a time. */
struct beside {
    pthread_t thread;
    int begun, done;
    gocore_etcd_leadership *leadership;
    const char *journal;
    char text[1100];
};

static inline void *write_journal(void *argument)
{
    struct beside *beside = argument;
    int64_t revision;
    guarded_put(beside->leadership, beside->journal, beside->text, &revision, NULL);
    __atomic_store_n(&beside->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static inline void *proclaim(void *argument)
{
    struct beside *beside = argument;
    gocore_etcd_leadership_proclaim(beside->leadership, beside->text, 0, NULL);
    __atomic_store_n(&beside->done, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static inline int is_free(struct beside *beside)
{
    if (beside->begun && !__atomic_load_n(&beside->done, __ATOMIC_SEQ_CST))
        return 0;
    if (beside->begun)
        pthread_join(beside->thread, NULL);
    beside->begun = beside->done = 0;
    return 1;
}

static inline void begin(struct beside *beside, void *(*work)(void *))
{
    beside->begun = pthread_create(&beside->thread, NULL, work, beside) == 0;
}

struct stand {
    char journal[1024], identity[1024];
    /* Written before the first callback. */
    gocore_etcd_candidacy *candidacy;
};

/* A moment counts by the clock read before the belief: whatever stops the process in between, it believed no earlier. Writes
 * also when it believes no longer: etcd is to judge. */
static inline void lead(const struct stand *stand, gocore_etcd_leadership *leadership)
{
    struct beside writing, proclaiming;
    long long token = gocore_etcd_leadership_token(leadership), from = now(), until = from;
    struct timespec pause = {0, 1000000};
    int turn, late = 0;

    if (!gocore_etcd_leadership_is_leader(leadership))
        return;
    memset(&writing, 0, sizeof writing);
    memset(&proclaiming, 0, sizeof proclaiming);
    writing.leadership = proclaiming.leadership = leadership;
    writing.journal = stand->journal;
    snprintf(writing.text, sizeof writing.text, "%lld", token);
    SAY("{\"event\":\"leading\",\"identity\":%s,\"token\":%lld,\"at_ns\":%lld}", quoted(stand->identity), token, from);
    for (turn = 0; late < 100; turn++) {
        long long moment = now();
        if (late == 0 && gocore_etcd_leadership_is_leader(leadership))
            until = moment;
        else
            late++;
        if (turn % 20 == 0 || late == 1) {
            SAY("{\"event\":\"believes\",\"token\":%lld,\"from_ns\":%lld,\"until_ns\":%lld}", token, from, until);
            if (is_free(&writing))
                begin(&writing, write_journal);
        }
        if (turn % 200 == 199 && is_free(&proclaiming)) {
            snprintf(proclaiming.text, sizeof proclaiming.text, "%s#%d", stand->identity, turn);
            begin(&proclaiming, proclaim);
        }
        nanosleep(&pause, NULL);
    }
    if (writing.begun)
        pthread_join(writing.thread, NULL);
    if (proclaiming.begun)
        pthread_join(proclaiming.thread, NULL);
}

/* Leading is done right here: a slow callback delays its own subscription only. */
static inline void on_standing(void *user_data, int32_t state, uint64_t place, int64_t token,
                               const gocore_etcd_error *problem)
{
    struct stand *stand = user_data;
    gocore_etcd_leadership *leadership;
    (void)place;
    (void)token;
    if (problem != NULL)
        failed("stand", gocore_etcd_error_clone(problem));
    if (problem != NULL || state != GOCORE_ETCD_CANDIDACY_LEADING)
        return;
    leadership = gocore_etcd_candidacy_leadership(stand->candidacy);
    if (leadership != NULL)
        lead(stand, leadership);
    gocore_etcd_leadership_free(leadership);
}

#endif
