/* What a caller can get wrong, with everything else right: refused by the argument's name, never a crash. That every
 * function bears NULL everywhere is tested by a generated program. */
#include "check.h"

static void connecting(char **argv)
{
    gocore_etcd_client_config config = GOCORE_ETCD_CLIENT_CONFIG_INIT, fresh = GOCORE_ETCD_CLIENT_CONFIG_INIT;
    gocore_etcd_tls_config tls = GOCORE_ETCD_TLS_CONFIG_INIT;
    gocore_etcd_client *client = (gocore_etcd_client *)&err_garbage;
    const char *endpoints[2];
    struct {
        gocore_etcd_client_config known;
        size_t unknown;
    } newer;

    endpoints[0] = argv[1];
    endpoints[1] = NULL;
    REFUSED("config", gocore_etcd_client_connect(NULL, &client, &err));
    CHECK(client == NULL);
    fresh.endpoints = endpoints;
    fresh.endpoints_len = 1;
    REFUSED("client", gocore_etcd_client_connect(&fresh, NULL, &err));
    REFUSED("endpoints", gocore_etcd_client_connect(&config, &client, &err));
    config.endpoints_len = 1;
    REFUSED("config.endpoints", gocore_etcd_client_connect(&config, &client, &err));
    config.endpoints = endpoints;
    config.endpoints_len = 2;
    REFUSED("config.endpoints", gocore_etcd_client_connect(&config, &client, &err));

    config = fresh;
    config.struct_size = 8;
    REFUSED("config", gocore_etcd_client_connect(&config, &client, &err));
    config.struct_size = (size_t)-1;
    REFUSED("config", gocore_etcd_client_connect(&config, &client, &err));
    config = fresh;
    config.prefix = "\xff";
    REFUSED("config.prefix", gocore_etcd_client_connect(&config, &client, &err));
    config = fresh;
    config.password = "secret";
    REFUSED("config.password", gocore_etcd_client_connect(&config, &client, &err));
    config = fresh;
    config.dial_timeout_ms = -1;
    REFUSED("config.dial_timeout_ms", gocore_etcd_client_connect(&config, &client, &err));
    config = fresh;
    config.callbacks = 2;
    REFUSED("config.callbacks", gocore_etcd_client_connect(&config, &client, &err));
    config = fresh;
    config.reserved = 1;
    REFUSED("config.reserved", gocore_etcd_client_connect(&config, &client, &err));
    config = fresh;
    config.tls = &tls;
    tls.ca_file = "/nowhere";
    tls.ca_pem = "x";
    tls.ca_pem_len = 1;
    REFUSED("config.tls.ca", gocore_etcd_client_connect(&config, &client, &err));
    tls.ca_file = NULL;
    tls.ca_pem = NULL;
    REFUSED("config.tls.ca_pem", gocore_etcd_client_connect(&config, &client, &err));

    /* A struct of a newer library is taken as long as it asks for nothing that this one lacks. */
    memset(&newer, 0, sizeof newer);
    newer.known = fresh;
    newer.known.struct_size = sizeof newer;
    EXPECT(OK, gocore_etcd_client_connect(&newer.known, &client, &err));
    close_and_free(client);
    newer.unknown = 1;
    EXPECT(UNSUPPORTED, gocore_etcd_client_connect(&newer.known, &client, &err));
    CHECK(client == NULL);

    endpoints[0] = "127.0.0.1:1";
    fresh.dial_timeout_ms = 300;
    EXPECT(UNAVAILABLE, gocore_etcd_client_connect(&fresh, &client, &err));
    CHECK(client == NULL);
}

static void requests(gocore_etcd_client *client)
{
    gocore_etcd_kv_entry *entry = (gocore_etcd_kv_entry *)&err_garbage;
    gocore_etcd_kv_listing *listing;
    gocore_etcd_range_options range = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_get_options get = GOCORE_ETCD_GET_OPTIONS_INIT;
    gocore_etcd_put_options put = GOCORE_ETCD_PUT_OPTIONS_INIT;
    const char *parts[] = {"a", "\xc3\x28"};
    char *key = (char *)&err_garbage;

    REFUSED("key", gocore_etcd_kv_get(client, NULL, 0, NULL, 0, &entry, &err));
    CHECK(entry == NULL);
    REFUSED("key", gocore_etcd_kv_get(client, NULL, 3, NULL, 0, &entry, &err));
    REFUSED("key", gocore_etcd_kv_get(client, "k", (size_t)-1, NULL, 0, &entry, &err));
    REFUSED("timeout_ms", gocore_etcd_kv_get(client, "k", 1, NULL, -2, &entry, &err));
    REFUSED("timeout_ms", gocore_etcd_kv_get(client, "k", 1, NULL, INT64_MAX, &entry, &err));
    REFUSED("timeout_ms", gocore_etcd_kv_get(client, "k", 1, NULL, INT64_MIN, &entry, &err));
    get.revision = -1;
    REFUSED("revision", gocore_etcd_kv_get(client, "k", 1, &get, 0, &entry, &err));
    get.struct_size = 0;
    REFUSED("options", gocore_etcd_kv_get(client, "k", 1, &get, 0, &entry, &err));
    CHECK(gocore_etcd_kv_get(client, "", 0, NULL, 0, &entry, NULL) == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    REFUSED("value", gocore_etcd_kv_put(client, "k", 1, NULL, 1, NULL, 0, NULL, &err));
    put.lease = -1;
    REFUSED("lease", gocore_etcd_kv_put(client, "k", 1, "v", 1, &put, 0, NULL, &err));
    put.lease = 77;
    EXPECT(NOT_FOUND, gocore_etcd_kv_put(client, "k", 1, "v", 1, &put, 0, NULL, &err));
    range.scope = 3;
    REFUSED("options.scope", gocore_etcd_kv_list(client, "k", 1, &range, 0, &listing, &err));
    range.scope = 0;
    range.content = -1;
    REFUSED("options.content", gocore_etcd_kv_list(client, "k", 1, &range, 0, &listing, &err));
    range.content = 0;
    range.order = 9;
    REFUSED("options.order", gocore_etcd_kv_list(client, "k", 1, &range, 0, &listing, &err));
    range.order = 0;
    range.max_create_revision = -1;
    REFUSED("options.max_create_revision", gocore_etcd_kv_list(client, "k", 1, &range, 0, &listing, &err));
    range.max_create_revision = 0;
    range.end = "z";
    range.end_len = 1;
    REFUSED("options.end", gocore_etcd_kv_list(client, "k", 1, &range, 0, &listing, &err));
    range.scope = GOCORE_ETCD_SCOPE_BETWEEN;
    REFUSED("end", gocore_etcd_kv_list(client, "zz", 2, &range, 0, &listing, &err));
    REFUSED("parts", gocore_etcd_client_key(client, parts, 2, &key, &err));
    CHECK(key == NULL);
    parts[1] = NULL;
    REFUSED("parts", gocore_etcd_client_key(client, parts, 2, &key, &err));
}

static void plans(gocore_etcd_client *client)
{
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_compare compare;
    gocore_etcd_op op;
    gocore_etcd_txn_result *result;

    memset(&compare, 0, sizeof compare);
    memset(&op, 0, sizeof op);
    txn.compares_len = 1;
    REFUSED("txn.compares", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    txn.compares = &compare;
    REFUSED("key", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    compare.key = "k";
    compare.key_len = 1;
    compare.target = 5;
    REFUSED("txn.compares.target", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    compare.target = 0;
    compare.compare = 4;
    REFUSED("txn.compares.compare", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    compare.compare = 0;
    txn.then_ops = &op;
    txn.then_ops_len = 1;
    REFUSED("txn.ops.kind", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    op.kind = GOCORE_ETCD_OP_TXN;
    REFUSED("txn", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    op.kind = GOCORE_ETCD_OP_PUT;
    op.reserved = 1;
    REFUSED("txn.ops.reserved", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    op.reserved = 0;
    op.value_len = 1;
    REFUSED("txn.ops.value", gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(result == NULL);
}

static void locks(gocore_etcd_client *client)
{
    gocore_etcd_lock_options options = GOCORE_ETCD_LOCK_OPTIONS_INIT;
    gocore_etcd_lock *lock = (gocore_etcd_lock *)&err_garbage;
    REFUSED("key", gocore_etcd_lock_acquire(client, NULL, NULL, 0, NULL, &lock, &err));
    CHECK(lock == NULL);
    REFUSED("key", gocore_etcd_lock_acquire(client, " / ", NULL, 0, NULL, &lock, &err));
    REFUSED("key", gocore_etcd_lock_try_acquire(client, "\xff", NULL, 0, &lock, &err));
    REFUSED("lock", gocore_etcd_lock_acquire(client, "k", NULL, 0, NULL, NULL, &err));
    REFUSED("timeout_ms", gocore_etcd_lock_acquire(client, "k", NULL, -5, NULL, &lock, &err));
    options.ttl_ms = -1;
    REFUSED("options.ttl_ms", gocore_etcd_lock_acquire(client, "k", &options, 0, NULL, &lock, &err));
    options.struct_size = 4;
    REFUSED("options", gocore_etcd_lock_try_acquire(client, "k", &options, 0, &lock, &err));
}

int main(int argc, char **argv)
{
    gocore_etcd_client *client;
    CHECK(argc > 1);
    connecting(argv);
    client = connect_to(argv);
    requests(client);
    plans(client);
    locks(client);
    close_and_free(client);
    return 0;
}
