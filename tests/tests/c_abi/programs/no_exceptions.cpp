// Without exceptions: the forms that take an Error are all there is, and enough. Compiled with -fno-exceptions; with
// them it compiles too. And they are noexcept, every one.
#include "check.hpp"

template <typename T> T &any() noexcept;
extern etcd::Error error;

/// A call that is not evaluated.
#define NOEXCEPT(call) static_assert(noexcept(call), #call)
struct Handler {
    void operator()() {}
    void operator()(std::optional<etcd::Lock>, etcd::Error) {}
    void operator()(std::optional<etcd::Leadership>, etcd::Error) {}
    void operator()(std::optional<etcd::Leader>, etcd::Error) {}
    void operator()(const etcd::CandidacyState &, const etcd::Error &) {}
    void operator()(int64_t) {}
    void operator()(const etcd::LogRecord &) {}
    void operator()(const etcd::WatchUpdate &) {}
};
struct Work {
    etcd::Run operator()(const etcd::Leadership &) { return etcd::Run::done; }
};
using Text = std::string_view;
using Limit = etcd::Milliseconds;
NOEXCEPT(etcd::Client::connect(any<etcd::Config>(), error));
NOEXCEPT(any<etcd::Client>().key(any<std::vector<std::string>>(), error));
NOEXCEPT(any<etcd::Client>().dispatch(0, any<Limit>(), error));
NOEXCEPT(any<etcd::Client>().close(any<Limit>(), error));
NOEXCEPT(any<etcd::Client>().lock(any<std::string>(), any<etcd::LockOptions>(), error));
NOEXCEPT(any<etcd::Client>().try_lock(any<std::string>(), any<etcd::LockOptions>(), error));
NOEXCEPT(any<etcd::Client>().lock_async(any<std::string>(), any<etcd::LockOptions>(), any<Handler>(), error));
NOEXCEPT(any<etcd::Kv>().get(any<Text>(), any<etcd::GetOptions>(), error));
NOEXCEPT(any<etcd::Kv>().list(any<etcd::Range>(), any<Limit>(), error));
NOEXCEPT(any<etcd::Kv>().put(any<Text>(), any<Text>(), any<etcd::PutOptions>(), error));
NOEXCEPT(any<etcd::Kv>().remove(any<etcd::Range>(), any<Limit>(), error));
NOEXCEPT(any<etcd::Kv>().commit(any<etcd::Txn>(), any<Limit>(), error));
NOEXCEPT(any<etcd::Kv>().watch(any<etcd::Range>(), any<Handler>(), error));
NOEXCEPT(any<etcd::Lock>().wait_lost(any<Limit>(), nullptr, error));
NOEXCEPT(any<etcd::Lock>().unlock(any<Limit>(), error));
NOEXCEPT(any<etcd::Lock>().put(any<Text>(), any<Text>(), any<etcd::PutOptions>(), error));
NOEXCEPT(any<etcd::Lock>().on_lost(any<Handler>(), error));
using Name = std::string;
NOEXCEPT(any<etcd::Client>().try_campaign(any<Name>(), any<Name>(), any<etcd::ElectionOptions>(), error));
NOEXCEPT(any<etcd::Client>().campaign(any<Name>(), any<Name>(), any<etcd::ElectionOptions>(), error));
NOEXCEPT(any<etcd::Client>().campaign_async(any<Name>(), any<Name>(), any<etcd::ElectionOptions>(), any<Handler>(), error));
NOEXCEPT(any<etcd::Client>().candidacy(any<Name>(), any<Name>(), any<etcd::ElectionOptions>(), any<Handler>(), error));
NOEXCEPT(any<etcd::Client>().run_as_leader(any<Name>(), any<Name>(), any<etcd::ElectionOptions>(), any<Work>(),
                                           any<Handler>(), error));
NOEXCEPT(any<etcd::Client>().leader(any<Name>(), any<Limit>(), error));
NOEXCEPT(any<etcd::Client>().observe(any<Name>(), any<Handler>(), error));
NOEXCEPT(any<etcd::Leadership>().identity(error));
NOEXCEPT(any<etcd::Leadership>().proclaim(any<Name>(), any<Limit>(), error));
NOEXCEPT(any<etcd::Leadership>().wait_lost(any<Limit>(), nullptr, error));
NOEXCEPT(any<etcd::Leadership>().resign(any<Limit>(), error));
NOEXCEPT(any<etcd::Leadership>().put(any<Text>(), any<Text>(), any<etcd::PutOptions>(), error));
NOEXCEPT(any<etcd::Leadership>().on_lost(any<Handler>(), error));
NOEXCEPT(any<etcd::Leadership>().leader(any<Limit>(), error));
NOEXCEPT(any<etcd::Leadership>().observe(any<Handler>(), error));
NOEXCEPT(any<etcd::Candidacy>().resign(any<Limit>(), error));
NOEXCEPT(etcd::subscribe_log(etcd::LogLevel::info, any<Handler>(), error));
// Getters too; and what ends something cannot fail.
NOEXCEPT(any<etcd::Client>().prefix());
NOEXCEPT(any<etcd::Lock>().key());
NOEXCEPT(any<etcd::Error>().what());
NOEXCEPT(etcd::Error(any<etcd::Error>()));
static_assert(std::is_nothrow_destructible_v<etcd::Client> && std::is_nothrow_destructible_v<etcd::Subscription>);

static void runs(char **argv)
{
    etcd::Error error;
    auto client = etcd::Client::connect({}, error);
    CHECK(!client && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    client = etcd::Client::connect(config_of(argv), error);
    CHECK(client && !error);

    auto kv = client->kv();
    CHECK(kv.put("/plain", "v", {}, error) > 0 && !error);
    CHECK(kv.get("/plain", {}, error)->value == "v" && kv.list(etcd::Range::prefix("/pl"), {}, error).count == 1);
    CHECK(kv.commit(etcd::Txn().then(etcd::Op::remove("/plain")), {}, error).succeeded && !error);
    CHECK(client->key({"a", "b"}, error) == "/go-core/a/b");

    Counter updates;
    auto watch = kv.watch("/plain", [&](const etcd::WatchUpdate &update) {
        if (update.kind() != etcd::UpdateKind::connected)
            updates.add();
    }, error);
    CHECK(!error);
    updates.until(1);
    CHECK(kv.put("/plain", "w", {}, error) > 0);
    updates.until(2);

    auto lock = client->lock("plain", {}, error);
    CHECK(lock && lock->is_held());
    CHECK(!client->try_lock("plain", {}, error) && !error);
    Counter lost, taken;
    const auto subscription = lock->on_lost([&] { lost.add(); }, error);
    lose(*client, *lock);
    lost.until(1);
    CHECK(client->lock_async(
        "plain", {}, [&](std::optional<etcd::Lock> next, etcd::Error why) {
            CHECK(next && !why);
            taken.add();
        },
        error));
    taken.until(1);
    CHECK(!lock->unlock({}, error) && error.status() == GOCORE_ETCD_STATUS_LOST);

    const auto leadership = client->campaign("plain", "plain", {}, error);
    CHECK(leadership && !error && leadership->identity(error) == "plain");
    CHECK(leadership->proclaim("plainer", {}, error) && client->leader("plain", {}, error)->identity() == "plainer");
    CHECK(!client->campaign("plain", " ", {}, error) && error.status() == GOCORE_ETCD_STATUS_INVALID_ARGUMENT);
    Counter worked;
    const auto run = client->run_as_leader(
        "plain/work", "plain", {},
        [&](const etcd::Leadership &) {
            worked.add();
            return etcd::Run::done;
        },
        [](int64_t) {}, error);
    worked.until(1);
    CHECK(leadership->resign({}, error) && !error);
    CHECK(client->close({}, error) && !error);
}

int main(int, char **argv)
{
    runs(argv);
    return 0;
}
