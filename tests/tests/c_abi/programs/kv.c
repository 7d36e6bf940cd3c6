/* Client and kv: what a user sees in calm. */
#include "check.h"

static const char *const KEY = "/c/kv/a";

static void put(gocore_etcd_client *client, const char *key, const char *value)
{
    int64_t revision = 0;
    EXPECT(OK, gocore_etcd_kv_put(client, key, strlen(key), value, strlen(value), NULL, 0, &revision, &err));
    CHECK(revision > 0);
}

static void one_key(gocore_etcd_client *client)
{
    gocore_etcd_kv_entry *entry = (gocore_etcd_kv_entry *)&err_garbage;
    gocore_etcd_get_options options = GOCORE_ETCD_GET_OPTIONS_INIT;
    uint64_t deleted = 7;
    size_t len = 7;
    const uint8_t *bytes;

    EXPECT(OK, gocore_etcd_kv_get(client, KEY, strlen(KEY), NULL, 0, &entry, &err));
    CHECK(entry == NULL);

    put(client, KEY, "one");
    EXPECT(OK, gocore_etcd_kv_get(client, KEY, strlen(KEY), NULL, 5000, &entry, &err));
    bytes = gocore_etcd_kv_entry_value(entry, &len);
    CHECK(len == 3 && memcmp(bytes, "one", 3) == 0);
    bytes = gocore_etcd_kv_entry_key(entry, &len);
    CHECK(len == strlen(KEY) && memcmp(bytes, KEY, len) == 0);
    CHECK(gocore_etcd_kv_entry_key(entry, NULL) == bytes);
    CHECK(gocore_etcd_kv_entry_version(entry) == 1 && gocore_etcd_kv_entry_lease(entry) == 0);
    CHECK(gocore_etcd_kv_entry_create_revision(entry) == gocore_etcd_kv_entry_mod_revision(entry));
    options.revision = gocore_etcd_kv_entry_mod_revision(entry);
    gocore_etcd_kv_entry_free(entry);

    put(client, KEY, "");
    EXPECT(OK, gocore_etcd_kv_get(client, KEY, strlen(KEY), NULL, GOCORE_ETCD_WAIT_FOREVER, &entry, &err));
    CHECK(gocore_etcd_kv_entry_value(entry, &len) != NULL && len == 0);
    gocore_etcd_kv_entry_free(entry);
    EXPECT(OK, gocore_etcd_kv_get(client, KEY, strlen(KEY), &options, 0, &entry, &err));
    CHECK(gocore_etcd_kv_entry_value(entry, &len) != NULL && len == 3);
    gocore_etcd_kv_entry_free(entry);

    EXPECT(OK, gocore_etcd_kv_delete(client, KEY, strlen(KEY), NULL, 0, &deleted, &err));
    CHECK(deleted == 1);
    /* Nobody has to ask for the outputs that may be NULL, or for the error. */
    CHECK(gocore_etcd_kv_delete(client, KEY, strlen(KEY), NULL, 0, NULL, NULL) == GOCORE_ETCD_STATUS_OK);
}

static void ranges(gocore_etcd_client *client)
{
    gocore_etcd_range_options options = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_kv_listing *listing;
    uint64_t deleted;
    size_t len;

    put(client, "/c/r/2", "two");
    put(client, "/c/r/1", "one");
    put(client, "/c/r/3", "three");
    options.scope = GOCORE_ETCD_SCOPE_PREFIX;
    options.limit = 2;
    options.order = GOCORE_ETCD_ORDER_OLDEST_CREATED;
    options.content = GOCORE_ETCD_CONTENT_KEYS;
    EXPECT(OK, gocore_etcd_kv_list(client, "/c/r/", 5, &options, 0, &listing, &err));
    CHECK(gocore_etcd_kv_listing_len(listing) == 2 && gocore_etcd_kv_listing_count(listing) == 3);
    CHECK(gocore_etcd_kv_listing_more(listing) && gocore_etcd_kv_listing_revision(listing) > 0);
    CHECK(memcmp(gocore_etcd_kv_entry_key(gocore_etcd_kv_listing_entry(listing, 0), &len), "/c/r/2", 6) == 0);
    gocore_etcd_kv_entry_value(gocore_etcd_kv_listing_entry(listing, 0), &len);
    CHECK(len == 0);
    CHECK(gocore_etcd_kv_listing_entry(listing, 2) == NULL);
    gocore_etcd_kv_listing_free(listing);

    REFUSED("options.content", gocore_etcd_kv_delete(client, "/c/r/", 5, &options, 0, &deleted, &err));
    CHECK(deleted == 0);
    memset(&options, 0, sizeof options);
    options.struct_size = sizeof options;
    options.scope = GOCORE_ETCD_SCOPE_BETWEEN;
    REFUSED("options.end", gocore_etcd_kv_delete(client, "/c/r/1", 6, &options, 0, &deleted, &err));
    options.end = "/c/r/3";
    options.end_len = 6;
    EXPECT(OK, gocore_etcd_kv_delete(client, "/c/r/1", 6, &options, 0, &deleted, &err));
    CHECK(deleted == 2);
}

static void transactions(gocore_etcd_client *client)
{
    gocore_etcd_txn txn = GOCORE_ETCD_TXN_INIT, inner = GOCORE_ETCD_TXN_INIT;
    gocore_etcd_range_options all = GOCORE_ETCD_RANGE_OPTIONS_INIT;
    gocore_etcd_compare absent;
    gocore_etcd_op then_ops[3], inner_op, else_op;
    gocore_etcd_txn_result *result;
    const gocore_etcd_kv_entry *entry;
    int n;

    memset(&absent, 0, sizeof absent);
    absent.key = "/c/t/a";
    absent.key_len = 6;
    memset(then_ops, 0, sizeof then_ops);
    memset(&inner_op, 0, sizeof inner_op);
    memset(&else_op, 0, sizeof else_op);
    then_ops[0].kind = GOCORE_ETCD_OP_PUT;
    then_ops[0].key = "/c/t/a";
    then_ops[0].key_len = 6;
    then_ops[0].value = "first";
    then_ops[0].value_len = 5;
    then_ops[1].kind = GOCORE_ETCD_OP_DELETE;
    then_ops[1].key = "/c/r/3";
    then_ops[1].key_len = 6;
    inner_op.kind = GOCORE_ETCD_OP_PUT;
    inner_op.key = "/c/t/b";
    inner_op.key_len = 6;
    inner.then_ops = &inner_op;
    inner.then_ops_len = 1;
    then_ops[2].kind = GOCORE_ETCD_OP_TXN;
    then_ops[2].txn = &inner;
    all.scope = GOCORE_ETCD_SCOPE_PREFIX;
    else_op.kind = GOCORE_ETCD_OP_GET;
    else_op.key = "/c/t/";
    else_op.key_len = 5;
    else_op.range = &all;
    txn.compares = &absent;
    txn.compares_len = 1;
    txn.then_ops = then_ops;
    txn.then_ops_len = 3;
    txn.else_ops = &else_op;
    txn.else_ops_len = 1;

    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(gocore_etcd_txn_result_succeeded(result) && gocore_etcd_txn_result_len(result) == 3);
    CHECK(gocore_etcd_txn_result_kind(result, 0) == GOCORE_ETCD_OP_PUT);
    CHECK(gocore_etcd_txn_result_deleted(result, 1) == 1);
    CHECK(gocore_etcd_txn_result_succeeded(gocore_etcd_txn_result_txn(result, 2)));
    CHECK(gocore_etcd_txn_result_kind(result, 3) == 0 && gocore_etcd_txn_result_entry(result, 0, 0) == NULL);
    gocore_etcd_txn_result_free(result);

    EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
    CHECK(!gocore_etcd_txn_result_succeeded(result) && gocore_etcd_txn_result_entries_len(result, 0) == 2);
    entry = gocore_etcd_txn_result_entry(result, 0, 0);
    CHECK(memcmp(gocore_etcd_kv_entry_value(entry, NULL), "first", 5) == 0);
    CHECK(gocore_etcd_txn_result_revision(result) > gocore_etcd_kv_entry_mod_revision(entry) - 1);
    gocore_etcd_txn_result_free(result);

    absent.target = GOCORE_ETCD_TARGET_VALUE;
    absent.value = "first";
    absent.value_len = 5;
    for (n = 0; n < 2; n++) {
        absent.compare = n == 0 ? GOCORE_ETCD_COMPARE_EQUAL : GOCORE_ETCD_COMPARE_NOT_EQUAL;
        txn.then_ops_len = 1;
        EXPECT(OK, gocore_etcd_kv_txn(client, &txn, 0, &result, &err));
        CHECK(gocore_etcd_txn_result_succeeded(result) == (n == 0));
        gocore_etcd_txn_result_free(result);
    }

    /* A plan that contains itself is refused, not followed for ever. */
    inner_op.kind = GOCORE_ETCD_OP_TXN;
    inner_op.txn = &inner;
    REFUSED("txn", gocore_etcd_kv_txn(client, &inner, 0, &result, &err));
    CHECK(result == NULL);
}

int main(int argc, char **argv)
{
    const char *parts[] = {"/a/", "", "b"};
    gocore_etcd_client *client;
    gocore_etcd_kv_entry *entry;
    char *key;

    CHECK(argc > 1);
    CHECK(gocore_etcd_abi_version() == GOCORE_ETCD_ABI_VERSION && strchr(gocore_etcd_version(), '.') != NULL);
    client = connect_to(argv);
    CHECK(strcmp(gocore_etcd_client_prefix(client), "/go-core") == 0);
    EXPECT(OK, gocore_etcd_client_key(client, parts, 3, &key, &err));
    CHECK(strcmp(key, "/go-core/a/b") == 0);
    gocore_etcd_string_free(key);
    one_key(client);
    ranges(client);
    transactions(client);
    EXPECT(OK, gocore_etcd_client_close(client, 0, &err));
    EXPECT(OK, gocore_etcd_client_close(client, 1000, &err));
    EXPECT(CLOSED, gocore_etcd_kv_get(client, "k", 1, NULL, 0, &entry, &err));
    CHECK(entry == NULL);
    gocore_etcd_client_free(client);
    return 0;
}
