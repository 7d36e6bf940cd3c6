// Transactions in C++: conditions, branches, nesting, the guard.
#include "check.hpp"

static void branches(etcd::Kv kv)
{
    etcd::Txn create;
    create.when(etcd::Compare::absent("/txn/a"))
        .then(etcd::Op::put("/txn/a", "first"))
        .then(etcd::Op::get("/txn/b"))
        .otherwise(etcd::Op::get("/txn/a"));
    const auto made = kv.commit(create);
    CHECK(made.succeeded && made.revision > 0 && made.results.size() == 2);
    CHECK(made.results[0].kind == GOCORE_ETCD_OP_PUT && made.results[1].kind == GOCORE_ETCD_OP_GET);
    CHECK(made.results[1].entries.empty());

    const auto refused = kv.commit(create, 5s);
    CHECK(!refused.succeeded && refused.results.size() == 1 && refused.results[0].entries[0].value == "first");
    CHECK(refused.results[0].entries[0].create_revision == made.revision);
}

static void conditions(etcd::Kv kv)
{
    using etcd::Cmp;
    using etcd::Compare;
    const auto revision = kv.put("/txn/c", "v");
    const auto holds = [&](Compare compare) { return kv.commit(etcd::Txn().when(std::move(compare))).succeeded; };
    CHECK(holds(Compare::value("/txn/c", Cmp::equal, "v")) && !holds(Compare::value("/txn/c", Cmp::equal, "w")));
    CHECK(holds(Compare::mod_revision("/txn/c", Cmp::less, revision + 1)));
    CHECK(holds(Compare::mod_revision("/txn/c", Cmp::greater, revision - 1)));
    CHECK(holds(Compare::create_revision("/txn/c", Cmp::equal, revision)));
    CHECK(holds(Compare::version("/txn/c", Cmp::equal, 1)) && holds(Compare::lease("/txn/c", Cmp::equal, 0)));
    CHECK(holds(Compare::version("/txn/c", Cmp::not_equal, 2)) && !holds(Compare::absent("/txn/c")));
    // Nothing below the prefix was put since.
    auto unchanged = Compare::mod_revision("/txn/", Cmp::less, revision + 1);
    unchanged.end = "/txn0";
    CHECK(holds(unchanged));
    kv.put("/txn/d", "later");
    CHECK(!holds(unchanged));
    // A compare with bytes that hold NUL.
    const std::string bytes("a\0b", 3);
    kv.put("/txn/nul", bytes);
    CHECK(holds(Compare::value("/txn/nul", Cmp::equal, bytes)));
    CHECK(!holds(Compare::value("/txn/nul", Cmp::equal, "a")));
}

static void nested(etcd::Kv kv)
{
    etcd::Txn inner;
    inner.when(etcd::Compare::absent("/txn/never")).then(etcd::Op::put("/txn/in", "1"));
    inner.otherwise(etcd::Op::get("/txn/in"));
    etcd::Txn outer;
    for (int n = 0; n < 100; ++n)
        outer.then(etcd::Op::put("/txn/many/" + std::to_string(n), "v"));
    outer.then(etcd::Op::txn(inner));
    const auto result = kv.commit(outer);
    CHECK(result.succeeded && result.results.size() == 101);
    const auto &in = result.results[100];
    CHECK(in.kind == GOCORE_ETCD_OP_TXN && in.txn.succeeded && in.txn.results.size() == 1);
}

static void removed(etcd::Kv kv)
{
    kv.put("/txn/x/1", "v");
    kv.put("/txn/x/2", "v");
    const auto result = kv.commit(etcd::Txn().then(etcd::Op::remove(etcd::Range::prefix("/txn/x/"))));
    CHECK(result.results[0].deleted == 2 && kv.list(etcd::Range::prefix("/txn/x/")).count == 0);
}

static void guarded(etcd::Client &client)
{
    auto lock = client.lock("txn");
    auto kv = client.kv();
    etcd::Txn plan;
    plan.guarded_by(lock).then(etcd::Op::put("/txn/guarded", "mine"));
    CHECK(kv.commit(plan).revision > lock.token());
    lose(client, lock);
    CHECK(thrown_by([&] { kv.commit(plan); }) == GOCORE_ETCD_STATUS_LOST);
    // With something to be done otherwise it is an answer.
    plan.otherwise(etcd::Op::get("/txn/guarded"));
    const auto answer = kv.commit(plan);
    CHECK(!answer.succeeded && answer.results[0].entries[0].value == "mine");
}

static void refused(etcd::Kv kv)
{
    etcd::Error error;
    const auto twice = etcd::Txn().then(etcd::Op::put("/txn/k", "1")).then(etcd::Op::put("/txn/k", "2"));
    CHECK(kv.commit(twice, {}, error).results.empty() && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(thrown_by([&] { kv.commit(etcd::Txn().when(etcd::Compare::absent(""))); }) ==
          GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    CHECK(kv.commit(etcd::Txn().then(etcd::Op::put("/txn/k", "1")), {}, error).succeeded && !error);
}

int main(int, char **argv)
{
    auto client = etcd::Client::connect(config_of(argv));
    branches(client.kv());
    conditions(client.kv());
    nested(client.kv());
    removed(client.kv());
    guarded(client);
    refused(client.kv());
    client.close();
    return 0;
}
