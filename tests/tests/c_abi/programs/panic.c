/* A bug inside the library (asked for through the environment, which only a debug build looks at): the call fails with
 * INTERNAL and its outputs as promised, the process lives on, and the next call works. */
#include "check.h"

int main(int argc, char **argv)
{
    gocore_etcd_client *client, *second = (gocore_etcd_client *)&err_garbage;
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_kv_entry *entry;
    gocore_etcd_error *err;

    CHECK(argc > 1);
    client = connect_to(argv);
    CHECK(setenv("GOCORE_ETCD_TEST_PANIC", "kv.get", 1) == 0);
    CHECK(gocore_etcd_kv_get(client, "k", 1, NULL, 0, &entry, &err) == GOCORE_ETCD_STATUS_INTERNAL);
    CHECK(strstr(gocore_etcd_error_message(err), "asked for by a test") != NULL);
    CHECK(!gocore_etcd_error_retryable(err));
    gocore_etcd_error_free(err);
    EXPECT(OK, gocore_etcd_kv_put(client, "k", 1, "v", 1, NULL, 0, NULL, &err));
    CHECK(setenv("GOCORE_ETCD_TEST_PANIC", "client.connect", 1) == 0);
    EXPECT(INTERNAL, gocore_etcd_client_connect(&config, &second, &err));
    CHECK(unsetenv("GOCORE_ETCD_TEST_PANIC") == 0);
    EXPECT(OK, gocore_etcd_kv_get(client, "k", 1, NULL, 0, &entry, &err));
    gocore_etcd_kv_entry_free(entry);
    close_and_free(client);
    return 0;
}
