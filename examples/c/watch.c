/* Feature flags that are always up to date: a watch as a program uses it.
 *
 *   cc watch.c -lgocore_etcd -o watch && ./watch [ENDPOINT]...       (127.0.0.1:2379 without)
 *
 * Then put and delete keys below /go-core/flags/, stop etcd, start it again, compact it. It ends with its input (Ctrl-D). */

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

static void show(const gocore_etcd_kv_update *update, size_t n)
{
    const gocore_etcd_kv_entry *entry = gocore_etcd_kv_update_entry(update, n);
    size_t key_len, value_len;
    const char *key, *value;
    if (entry == NULL) {
        key = (const char *)gocore_etcd_kv_update_deleted(update, n, &key_len);
        printf("%.*s is gone\n", (int)key_len, key);
    } else {
        key = (const char *)gocore_etcd_kv_entry_key(entry, &key_len);
        value = (const char *)gocore_etcd_kv_entry_value(entry, &value_len);
        printf("%.*s = %.*s\n", (int)key_len, key, (int)value_len, value);
    }
}

/* Runs on a thread of the library, one update at a time. */
static void on_update(void *user_data, const gocore_etcd_kv_update *update)
{
    size_t n, len = gocore_etcd_kv_update_len(update);
    (void)user_data;
    switch (gocore_etcd_kv_update_kind(update)) {
    case GOCORE_ETCD_UPDATE_SNAPSHOT:
        /* All there is: at the beginning, and again should changes have been missed. Forget what was before. */
        printf("%zu flags:\n", len);
        break;
    case GOCORE_ETCD_UPDATE_CONNECTED:
        puts(gocore_etcd_kv_update_connected(update) ? "up to date" : "etcd is away: changes will come later");
        break;
    case GOCORE_ETCD_UPDATE_PROBLEM:
        /* It is tried again. */
        fprintf(stderr, "%s\n", gocore_etcd_error_message(gocore_etcd_kv_update_problem(update)));
        break;
    }
    for (n = 0; n < len; n++)
        show(update, n);
    fflush(stdout);
}

static int run(gocore_etcd_client *client)
{
    const char *parts[] = {"flags"};
    gocore_etcd_range_options below = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_subscription *subscription;
    gocore_etcd_error *err;
    char prefix[256], *key;

    if (gocore_etcd_client_key(client, parts, 1, &key, &err) != GOCORE_ETCD_STATUS_OK)
        return failed(err);
    snprintf(prefix, sizeof prefix, "%s/", key);
    gocore_etcd_string_free(key);
    below.scope = GOCORE_ETCD_SCOPE_PREFIX;
    if (gocore_etcd_kv_watch(client, prefix, strlen(prefix), &below, on_update, NULL, NULL, &subscription, &err) !=
        GOCORE_ETCD_STATUS_OK)
        return failed(err);
    while (getchar() != EOF)
        ;
    gocore_etcd_subscription_free(subscription);
    return EXIT_SUCCESS;
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
