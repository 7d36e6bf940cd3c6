/* The C agent: a program that uses the library as its users do, in a process of its own, and says what happens.
 * `agent PREFIX ENDPOINT...`; the protocol is that of tests/src/bin/agent.rs. */
#include <gocore_etcd.h>

#include "elect.h"

static gocore_etcd_lock *held;
static gocore_etcd_subscription *watching;

static int acquired(gocore_etcd_lock *lock)
{
    gocore_etcd_error *err;
    gocore_etcd_subscription *subscription;
    SAY("{\"event\":\"acquired\",\"key\":\"%s\",\"token\":%lld,\"at_ns\":%lld}", gocore_etcd_lock_key(lock),
        (long long)gocore_etcd_lock_token(lock), now());
    gocore_etcd_lock_on_lost(lock, on_lost, NULL, NULL, &subscription, &err);
    gocore_etcd_subscription_free(watching);
    gocore_etcd_lock_free(held);
    watching = subscription;
    held = lock;
    return err == NULL ? 0 : failed("on_lost", err);
}

static int lock(const char *key, int64_t ttl_ms, int only_try)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    gocore_etcd_error *err;
    options.ttl_ms = ttl_ms;
    if (only_try) {
        gocore_etcd_lock_try_acquire(client, key, &options, 0, &lock, &err);
        if (lock == NULL && err == NULL)
            SAY("{\"event\":\"not_acquired\",\"key\":%s}", quoted(key));
    } else {
        SAY("{\"event\":\"waiting\",\"key\":%s}", quoted(key));
        gocore_etcd_lock_acquire(client, key, &options, 0, NULL, &lock, &err);
    }
    if (err != NULL)
        return failed(only_try ? "try_lock" : "lock", err);
    return lock == NULL ? 0 : acquired(lock);
}

/* Not gocore_etcd_lock_put, which knows that the lock is lost: here etcd is to judge. */
static int put(const char *key, const char *value)
{
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_txn_result *result;
    gocore_etcd_error *err;
    gocore_etcd_op op;
    memset(&op, 0, sizeof op);
    op.kind = GOCORE_ETCD_OP_PUT;
    op.key = key;
    op.key_len = strlen(key);
    op.value = value;
    op.value_len = strlen(value);
    txn.then_ops = &op;
    txn.then_ops_len = 1;
    txn.guard = held;
    if (gocore_etcd_kv_txn(client, &txn, 0, &result, &err) != GOCORE_ETCD_STATUS_OK)
        return failed("put", err);
    SAY("{\"event\":\"written\",\"revision\":%lld}", (long long)gocore_etcd_txn_result_revision(result));
    gocore_etcd_txn_result_free(result);
    return 0;
}

static int unlock(void)
{
    gocore_etcd_lock *lock = held;
    gocore_etcd_error *err = NULL;
    held = NULL;
    if (lock != NULL)
        gocore_etcd_lock_unlock(lock, 0, &err);
    gocore_etcd_lock_free(lock);
    if (err != NULL)
        return failed("unlock", err);
    SAY("{\"event\":\"unlocked\",\"at_ns\":%lld}", now());
    return 0;
}

/* Reads, adds one, writes, all unguarded: only exclusion makes the sum right. */
static int turn(const char *key, int64_t ttl_ms, const char *counter)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    gocore_etcd_kv_entry *entry = NULL;
    gocore_etcd_error *err;
    char number[32] = "0";
    size_t len = 0;
    const uint8_t *value;

    options.ttl_ms = ttl_ms;
    if (gocore_etcd_lock_acquire(client, key, &options, 0, NULL, &lock, &err) != GOCORE_ETCD_STATUS_OK)
        return failed("count", err);
    gocore_etcd_kv_get(client, counter, strlen(counter), NULL, 0, &entry, &err);
    if (err == NULL) {
        value = gocore_etcd_kv_entry_value(entry, &len);
        if (len > 0 && len < sizeof number) {
            memcpy(number, value, len);
            number[len] = 0;
        }
        snprintf(number, sizeof number, "%lld", atoll(number) + 1);
        gocore_etcd_kv_put(client, counter, strlen(counter), number, strlen(number), NULL, 0, NULL, &err);
    }
    gocore_etcd_kv_entry_free(entry);
    /* The write is in: what a lost lock endangers is the next turn's exclusion, which the sum would show. */
    if (err == NULL && gocore_etcd_lock_unlock(lock, 0, &err) == GOCORE_ETCD_STATUS_LOST) {
        gocore_etcd_error_free(err);
        err = NULL;
    }
    gocore_etcd_lock_free(lock);
    return err == NULL ? 0 : failed("count", err);
}

static void obey(const char *what, const char *line)
{
    char key[1024], value[1024];
    long long turns, n;
    text_of(line, "key", key, sizeof key);
    if (strcmp(what, "lock") == 0 || strcmp(what, "try_lock") == 0) {
        lock(key, number_of(line, "ttl_ms"), what[0] == 't');
    } else if (strcmp(what, "is_held") == 0) {
        SAY("{\"event\":\"held\",\"held\":%s,\"at_ns\":%lld}", gocore_etcd_lock_is_held(held) ? "true" : "false", now());
    } else if (strcmp(what, "put") == 0) {
        text_of(line, "value", value, sizeof value);
        put(key, value);
    } else if (strcmp(what, "unlock") == 0) {
        unlock();
    } else if (strcmp(what, "count") == 0) {
        text_of(line, "counter", value, sizeof value);
        turns = number_of(line, "turns");
        for (n = 0; n < turns; n++)
            if (turn(key, number_of(line, "ttl_ms"), value) != 0)
                return;
        SAY("{\"event\":\"counted\",\"turns\":%lld}", turns);
    } else if (elect(what, key, line)) {
        /* It was about elections. */
    } else if (strcmp(what, "close") == 0) {
        gocore_etcd_error *err;
        if (gocore_etcd_client_close(client, 0, &err) != GOCORE_ETCD_STATUS_OK)
            failed("close", err);
        else
            SAY("{\"event\":\"closed\"}");
    } else {
        SAY("{\"event\":\"failed\",\"do\":%s,\"kind\":\"Unknown\",\"message\":\"no such command\"}", quoted(what));
    }
}

int main(int argc, char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_error *err;
    char line[8192], what[64] = "";

    config.prefix = argc > 1 ? argv[1] : "";
    config.dial_timeout_ms = 15000;
    config.endpoints = (const char *const *)(argv + 2);
    config.endpoints_len = argc > 2 ? (size_t)(argc - 2) : 0;
    if (gocore_etcd_client_connect(&config, &client, &err) != GOCORE_ETCD_STATUS_OK)
        return failed("connect", err) != 0;
    SAY("{\"event\":\"connected\"}");
    while (strcmp(what, "close") != 0 && fgets(line, sizeof line, stdin) != NULL) {
        text_of(line, "do", what, sizeof what);
        obey(what, line);
    }
    gocore_etcd_subscription_free(watching);
    gocore_etcd_lock_free(held);
    free_elections();
    gocore_etcd_client_close(client, 0, NULL);
    gocore_etcd_client_free(client);
    return 0;
}
