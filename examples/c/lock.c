/* A job that must run once at a time: the lock as a program uses it.
 *
 *   cc lock.c -lgocore_etcd -o lock && ./lock [ENDPOINT]...       (127.0.0.1:2379 without)
 *
 * Run it in two terminals: the second waits until the first is done. Kill the first with SIGKILL, and the second goes on
 * once the TTL has passed. */

#include <gocore_etcd.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says what failed, and gives the error back. */
static int failed(gocore_etcd_error *err)
{
    fprintf(stderr, "%s\n", gocore_etcd_error_message(err));
    gocore_etcd_error_free(err);
    return EXIT_FAILURE;
}

/* The work. Its write is refused by etcd, should somebody else own the lock by the time it arrives. */
static int work(gocore_etcd_client *client, gocore_etcd_lock *lock)
{
    const char *parts[] = {"reports", "last"};
    const char *text = "all is well";
    char *key;
    int64_t revision;
    gocore_etcd_error *err;

    /* One second of work; should the lock be lost meanwhile, stop: the next owner may begin any moment now. */
    if (gocore_etcd_lock_wait_lost(lock, 1000, NULL, &err) == GOCORE_ETCD_STATUS_OK) {
        puts("lost: stop here");
        return EXIT_FAILURE;
    }
    if (err != NULL || gocore_etcd_client_key(client, parts, 2, &key, &err) != GOCORE_ETCD_STATUS_OK)
        return failed(err);
    gocore_etcd_lock_put(lock, key, strlen(key), text, strlen(text), NULL, 0, &revision, &err);
    gocore_etcd_string_free(key);
    if (err != NULL)
        return failed(err);
    printf("the report was written at revision %lld\n", (long long)revision);
    return EXIT_SUCCESS;
}

static int run(gocore_etcd_client *client)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock;
    gocore_etcd_error *err;
    int code;

    options.ttl_ms = 10000;
    puts("waiting for the lock");
    if (gocore_etcd_lock_acquire(client, "jobs/report", &options, GOCORE_ETCD_WAIT_FOREVER, NULL, &lock, &err) !=
        GOCORE_ETCD_STATUS_OK)
        return failed(err);
    printf("holding %s with fencing token %lld\n", gocore_etcd_lock_key(lock), (long long)gocore_etcd_lock_token(lock));

    code = work(client, lock);
    if (gocore_etcd_lock_unlock(lock, 0, &err) == GOCORE_ETCD_STATUS_OK)
        puts("unlocked");
    else
        code = failed(err); /* GOCORE_ETCD_STATUS_LOST if it had been lost before */
    gocore_etcd_lock_free(lock);
    return code;
}

int main(int argc, char **argv)
{
    const char *local[] = {"127.0.0.1:2379"};
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_client *client;
    gocore_etcd_error *err;
    int code;

    config.endpoints = argc > 1 ? (const char *const *)(argv + 1) : local;
    config.endpoints_len = argc > 1 ? (size_t)(argc - 1) : 1;
    if (gocore_etcd_client_connect(&config, &client, &err) != GOCORE_ETCD_STATUS_OK)
        return failed(err);
    code = run(client);
    if (gocore_etcd_client_close(client, 0, &err) != GOCORE_ETCD_STATUS_OK)
        code = failed(err);
    gocore_etcd_client_free(client);
    return code;
}
