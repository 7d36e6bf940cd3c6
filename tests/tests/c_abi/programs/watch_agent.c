/* Watches a prefix and says what it is told: `watch_agent PREFIX ENDPOINT [dispatch | USER PASSWORD]`. Commands: cancel,
 * close, dispatch. With `dispatch` nobody dispatches until it is told to. */
#include "../../../agents/c/wire.h"
#include "check.h"

#include <pthread.h>

static gocore_etcd_client *client;
static gocore_etcd_subscription *subscription;
static pthread_mutex_t saying = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *line)
{
    pthread_mutex_lock(&saying);
    puts(line);
    fflush(stdout);
    pthread_mutex_unlock(&saying);
}

static int one_key(char *out, size_t size, const char *before, const uint8_t *key, size_t len, int64_t revision)
{
    return snprintf(out, size, "%s[\"%.*s\",%lld]", before, (int)len, (const char *)key, (long long)revision);
}

/* Each key with its mod revision; that of a deleted one is 0. */
static void on_update(void *user_data, const gocore_etcd_kv_update *update)
{
    static char line[65536];
    const char *const names[] = {"", "snapshot", "changes", "connected", "problem"};
    const gocore_etcd_error *problem = gocore_etcd_kv_update_problem(update);
    size_t n, len = 0, at;
    (void)user_data;
    at = (size_t)snprintf(line, sizeof line, "{\"event\":\"%s\",\"revision\":%lld,\"connected\":%s,\"problem\":%d,\"keys\":[",
                          names[gocore_etcd_kv_update_kind(update)], (long long)gocore_etcd_kv_update_revision(update),
                          gocore_etcd_kv_update_connected(update) ? "true" : "false",
                          (int)gocore_etcd_error_status(problem));
    for (n = 0; n < gocore_etcd_kv_update_len(update); n++) {
        const gocore_etcd_kv_entry *entry = gocore_etcd_kv_update_entry(update, n);
        const uint8_t *key =
            entry != NULL ? gocore_etcd_kv_entry_key(entry, &len) : gocore_etcd_kv_update_deleted(update, n, &len);
        at += (size_t)one_key(line + at, sizeof line - at, n == 0 ? "" : ",", key, len,
                              gocore_etcd_kv_entry_mod_revision(entry));
        CHECK(at < sizeof line - 3);
    }
    snprintf(line + at, sizeof line - at, "]}");
    say(line);
}

static void on_free(void *user_data)
{
    (void)user_data;
    say("{\"event\":\"freed\"}");
}

int main(int argc, char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    char line[1024], what[64] = "";
    CHECK(argc > 2);
    config.endpoints = (const char *const *)(argv + 2);
    config.endpoints_len = 1;
    if (argc == 4)
        config.callbacks = GOCORE_ETCD_CALLBACKS_DISPATCH;
    if (argc == 5) {
        config.username = argv[3];
        config.password = argv[4];
    }
    EXPECT(OK, gocore_etcd_client_connect(&config, &client, &err));
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    EXPECT(OK, gocore_etcd_kv_watch(client, argv[1], strlen(argv[1]), &options, on_update, NULL, on_free, &subscription,
                                    &err));
    say("{\"event\":\"watching\"}");
    while (strcmp(what, "close") != 0 && fgets(line, sizeof line, stdin) != NULL) {
        text_of(line, "do", what, sizeof what);
        if (strcmp(what, "cancel") == 0) {
            gocore_etcd_subscription_cancel(subscription);
            say("{\"event\":\"cancelled\"}");
        } else if (strcmp(what, "dispatch") == 0) {
            EXPECT(OK, gocore_etcd_client_dispatch(client, 0, 20000, NULL, &err));
            say("{\"event\":\"dispatched\"}");
        }
    }
    gocore_etcd_subscription_free(subscription);
    close_and_free(client);
    say("{\"event\":\"closed\"}");
    return 0;
}
