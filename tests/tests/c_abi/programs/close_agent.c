/* Works as leader and takes its time to stop: close_agent ENDPOINT; at `close` it closes its client, and says how. */
#include "check.h"

#include <unistd.h>

static int told, returned;

static int32_t on_start(void *user_data, gocore_etcd_leadership *leadership)
{
    (void)user_data;
    (void)leadership;
    puts("{\"event\":\"leading\"}");
    fflush(stdout);
    while (!__atomic_load_n(&told, __ATOMIC_ACQUIRE))
        usleep(1000);
    /* Longer than etcd, which is away, is waited for: a TTL. */
    sleep(6);
    __atomic_store_n(&returned, 1, __ATOMIC_RELEASE);
    return GOCORE_ETCD_RUN_AGAIN;
}

static void on_stop(void *user_data, int64_t token)
{
    (void)user_data;
    (void)token;
    __atomic_store_n(&told, 1, __ATOMIC_RELEASE);
}

static void on_free(void *user_data)
{
    (void)user_data;
    CHECK(__atomic_load_n(&returned, __ATOMIC_ACQUIRE));
    __atomic_store_n(&returned, 2, __ATOMIC_RELEASE);
}

int main(int argc, char **argv)
{
    gocore_etcd_election_options options = GOCORE_ETCD_ELECTION_OPTIONS_INIT;
    gocore_etcd_subscription *subscription;
    gocore_etcd_client *client;
    gocore_etcd_error *err;
    gocore_etcd_status status;
    char line[64];
    CHECK(argc > 1);
    client = connect_to(argv);
    options.ttl_ms = 2000;
    EXPECT(OK, gocore_etcd_election_run(client, "c/close", "closes", &options, on_start, on_stop, NULL, on_free,
                                        &subscription, &err));
    CHECK(fgets(line, sizeof line, stdin) != NULL);
    status = gocore_etcd_client_close(client, GOCORE_ETCD_WAIT_FOREVER, &err);
    printf("{\"event\":\"closed\",\"status\":%d,\"returned\":%d}\n", (int)status,
           __atomic_load_n(&returned, __ATOMIC_ACQUIRE));
    fflush(stdout);
    gocore_etcd_error_free(err);
    gocore_etcd_subscription_free(subscription);
    gocore_etcd_client_free(client);
    return 0;
}
